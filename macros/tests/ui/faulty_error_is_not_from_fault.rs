use qtests::faulty;

pub struct Declined;

#[faulty]
trait Payments {
    fn charge(&self, order: u64) -> Result<u64, Declined>;
    async fn refund(&self, order: u64) -> Result<u64, Declined>;
}

fn main() {}
