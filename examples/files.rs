//! A small store of orders in files, that no request can lead out of its directory. Run it with
//! `cargo run --features files --example files`.

use qtests::{Test, files::Files};
use std::error::Error;

/// What a service would have: it works without the feature `live` too.
struct Orders {
    files: Files,
}

impl Orders {
    async fn save(&self, id: &str, json: &str) -> Result<(), Box<dyn Error>> {
        self.files.ensure_dir("orders").await?;
        self.files.write(format!("orders/{id}.json"), json).await?;
        self.files.append("log", format!("saved {id}\n")).await?;
        Ok(())
    }

    async fn load(&self, id: &str) -> Result<Option<String>, Box<dyn Error>> {
        match self.files.read_to_string(format!("orders/{id}.json")).await {
            Ok(json) => Ok(Some(json)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let t = Test::scoped();
    let orders = Orders { files: t.files() };
    orders.save("7", r#"{"cents":1999}"#).await?;
    println!("order 7: {:?}, order 8: {:?}", orders.load("7").await?, orders.load("8").await?);

    let copied = orders.files.copy_tree("orders", "backup").await?;
    println!("backed up {} file(s), {} bytes", copied.files, copied.bytes);
    for entry in orders.files.list("").await? {
        println!("  {:?} {}", entry.kind, entry.name.display());
    }

    let refused = orders.load("../../../../etc/passwd").await.unwrap_err();
    println!("{}", refused.to_string().replace(&t.dir().display().to_string(), "<the directory of the test>"));
    Ok(())
}
