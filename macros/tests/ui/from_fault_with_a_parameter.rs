use qtests::FromFault;

#[derive(FromFault)]
enum ShopError<T> {
    #[fault]
    Slow,
    Declined(T),
}

fn main() {}
