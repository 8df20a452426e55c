use qtests::FromFault;

#[derive(FromFault)]
enum ShopError {
    #[fault(kind = TimeOut)]
    Slow,
    #[fault]
    Broken,
}

fn main() {}
