use qtests::faulty;

#[faulty]
trait Payments {
    #[faulty(skip)]
    fn charge(&self, #[key] order: u64);
}

fn main() {}
