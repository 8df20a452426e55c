use mockall::automock;
use qtests::faulty;

#[automock]
#[faulty]
trait Payments {
    fn charge(&self) -> u64;
}

fn main() {}
