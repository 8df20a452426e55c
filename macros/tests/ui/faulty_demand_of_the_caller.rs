use qtests::faulty;

#[faulty]
trait Payments {
    fn turn<U>(self) -> U
    where
        Self: Sized + Into<U>;
}

fn main() {}
