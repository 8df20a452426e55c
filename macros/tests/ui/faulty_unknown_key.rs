use qtests::faulty;

#[faulty(nmae = Flaky)]
trait Payments {
    #[faulty(infallible)]
    fn charge(&self, #[key] order: u64) -> Result<u64, std::fmt::Error>;
}

fn main() {}
