use qtests::faulty;

#[faulty]
trait Node {
    fn children(&self) -> Vec<Self>
    where
        Self: Sized;
}

fn main() {}
