use qtests::faulty;

#[faulty(skip)]
trait Payments {
    fn charge(&self);
}

fn main() {}
