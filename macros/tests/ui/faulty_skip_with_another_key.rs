use qtests::faulty;

#[faulty]
trait Payments {
    #[faulty(skip, infallible)]
    fn charge(&self) -> Result<u64, std::fmt::Error>;
}

fn main() {}
