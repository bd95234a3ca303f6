"""Networks: PaRe and its variants around a pretrained encoder, and operators for fields."""
