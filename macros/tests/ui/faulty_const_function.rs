use qtests::faulty;

#[faulty]
const fn limit() -> u64 {
    9
}

fn main() {
    limit();
}
