//! The database: orders, and the mails that are to be sent about them (the *outbox*; a mailer of
//! its own empties it).

use crate::{
    bug::Bug,
    error::StoreError,
    order::{Order, Status},
};
use qtests::fault_point;
use rusqlite::{Connection, OptionalExtension, Row, types::Type};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::task::spawn_blocking;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;  -- who reads does not keep the writer waiting
    PRAGMA synchronous = FULL;  -- what is committed is on the disk
    PRAGMA foreign_keys = ON;
    CREATE TABLE IF NOT EXISTS orders (
        id TEXT PRIMARY KEY, sku TEXT NOT NULL, quantity INTEGER NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS orders_by_status ON orders (status);
    CREATE TABLE IF NOT EXISTS outbox (
        id INTEGER PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders (id), says TEXT NOT NULL
    ) STRICT;";

/// The `SQLite` database, open. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    /// The one connection. `SQLite` writes one transaction at a time anyway, and a lock in memory
    /// wakes the next one sooner than its own way, which is to sleep and look again.
    connection: Arc<Mutex<Connection>>,
    /// The protection that is missing.
    bug: Option<Bug>,
}

impl Store {
    /// Opens the file, and makes the tables if they are missing.
    pub(crate) async fn open(path: &Path, bug: Option<Bug>) -> Result<Self, StoreError> {
        let path = path.to_owned();
        let open = move || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(1))?;
            connection.execute_batch(SCHEMA)?;
            Ok::<_, StoreError>(connection)
        };
        let connection = spawn_blocking(open).await.unwrap_or(Err(StoreError::Panicked))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), bug })
    }

    /// Writes down that an order is going to be tried. If we crash now, the next start finds it.
    pub(crate) async fn begin(&self, order: Order) -> Result<(), StoreError> {
        self.run(move |connection| {
            fault_point!("orders.insert")?;
            connection.execute(
                "INSERT INTO orders (id, sku, quantity, status, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                (&order.id, &order.sku, order.quantity, order.status.word(), order.created_at),
            )?;
            Ok(())
        })
        .await
    }

    /// Decides an order and queues the mail that says so.
    ///
    /// Both are one transaction: either can fail, and an order without its mail is as bad as a mail
    /// without its order. A transaction that is dropped before `commit`, by `?` or by a panic,
    /// leaves nothing behind.
    pub(crate) async fn finish(&self, order_id: &str, status: Status) -> Result<(), StoreError> {
        let (order_id, bug) = (order_id.to_owned(), self.bug);
        self.run(move |connection| {
            if bug == Some(Bug::NoTransaction) {
                return decide_and_queue_mail(connection, &order_id, status);
            }
            let transaction = connection.transaction()?;
            decide_and_queue_mail(&transaction, &order_id, status)?;
            fault_point!("orders.commit")?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Closes an order that has been taken back.
    pub(crate) async fn cancel(&self, order_id: &str) -> Result<(), StoreError> {
        let order_id = order_id.to_owned();
        self.run(move |connection| decide(connection, &order_id, Status::Cancelled)).await
    }

    /// The order of this name.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn find(&self, order_id: &str) -> Result<Option<Order>, StoreError> {
        let order_id = order_id.to_owned();
        self.run(move |connection| {
            fault_point!("orders.find")?;
            let mut find = connection.prepare_cached("SELECT * FROM orders WHERE id = ?1")?;
            Ok(find.query_row([order_id], read_order).optional()?)
        })
        .await
    }

    /// All orders of this status, the oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn with_status(&self, status: Status) -> Result<Vec<Order>, StoreError> {
        self.run(move |connection| {
            let select = "SELECT * FROM orders WHERE status = ?1 ORDER BY created_at, id";
            let mut select = connection.prepare_cached(select)?;
            let orders = select.query_map([status.word()], read_order)?;
            Ok(orders.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// How many orders stand: those that are confirmed or backordered.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn orders(&self) -> Result<u64, StoreError> {
        self.count("SELECT count(*) FROM orders WHERE status IN ('confirmed', 'backordered')").await
    }

    /// How many mails are queued: one each time an order becomes confirmed or backordered.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn outbox(&self) -> Result<u64, StoreError> {
        self.count("SELECT count(*) FROM outbox").await
    }

    /// How many orders stand without the mail that says so. Anything but 0 is a bug.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn half_written(&self) -> Result<u64, StoreError> {
        self.count(
            "SELECT count(*) FROM orders WHERE status IN ('confirmed', 'backordered') AND NOT EXISTS
                 (SELECT 1 FROM outbox WHERE order_id = orders.id AND says = orders.status)",
        )
        .await
    }

    async fn count(&self, query: &'static str) -> Result<u64, StoreError> {
        let count: i64 = self.run(move |c| Ok(c.query_row(query, (), |row| row.get(0))?)).await?;
        Ok(count.unsigned_abs())
    }

    /// Runs something on a thread that may block: a disk can take its time, and the threads that
    /// serve requests must not wait for it.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let locked = move || {
            // Someone panicked while holding the lock? His transaction was rolled back on the way
            // out, so the connection is sound.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection)
        };
        spawn_blocking(locked).await.unwrap_or(Err(StoreError::Panicked))
    }
}

/// The two writes that belong together.
fn decide_and_queue_mail(connection: &Connection, order_id: &str, status: Status) -> Result<(), StoreError> {
    decide(connection, order_id, status)?;
    fault_point!("orders.outbox")?;
    connection.execute("INSERT INTO outbox (order_id, says) VALUES (?1, ?2)", (order_id, status.word()))?;
    Ok(())
}

/// Moves an order to its next status, if the way there is open: see the drawing at [`Status`].
fn decide(connection: &Connection, order_id: &str, status: Status) -> Result<(), StoreError> {
    let also_from = if status == Status::Confirmed { Status::Backordered } else { Status::Pending };
    let moved = connection.execute(
        "UPDATE orders SET status = ?2 WHERE id = ?1 AND status IN ('pending', ?3)",
        (order_id, status.word(), also_from.word()),
    )?;
    if moved == 1 { Ok(()) } else { Err(StoreError::NotOpen(status)) }
}

fn read_order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let word: String = row.get("status")?;
    let status = Status::from_word(&word)
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(3, Type::Text, format!("no status: {word}").into()))?;
    Ok(Order {
        id: row.get("id")?,
        sku: row.get("sku")?,
        quantity: row.get("quantity")?,
        status,
        created_at: row.get("created_at")?,
    })
}
