use qtests::faulty;

#[faulty(name)]
trait Payments {
    fn charge(&self);
}

fn main() {}
