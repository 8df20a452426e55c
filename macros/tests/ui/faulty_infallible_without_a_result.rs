use qtests::faulty;

#[faulty]
trait Payments {
    #[faulty(infallible)]
    fn limit(&self) -> u64;
}

fn main() {}
