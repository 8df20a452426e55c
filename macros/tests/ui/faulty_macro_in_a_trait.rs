use qtests::faulty;

macro_rules! methods {
    () => {
        fn charge(&self);
    };
}

#[faulty]
trait Payments {
    methods!();
}

fn main() {}
