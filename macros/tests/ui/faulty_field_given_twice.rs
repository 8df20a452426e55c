use qtests::faulty;

#[faulty]
trait Payments {
    fn charge(&self, #[key] order: u64, #[key] customer: u64);
}

fn main() {}
