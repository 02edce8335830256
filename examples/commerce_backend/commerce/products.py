"""What the shop sells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product, and the facts that a description may use."""

    id: str
    name: str
    price: str
    facts: tuple[str, ...]

    def prompt(self, tone: str) -> str:
        """What the model is asked to go on with."""
        listed = "\n".join(f"- {fact}" for fact in self.facts)
        return f"Product: {self.name}\nPrice: {self.price}\n{listed}\nA {tone} description:"


PRODUCTS: dict[str, Product] = {
    product.id: product
    for product in (
        Product(id="hemp-shoe", name="Hemp sneaker", price="89 €",
                facts=("upper of hemp", "sole of recycled rubber", "resoled by us for 25 €")),
        Product(id="wool-throw", name="Wool throw", price="120 €",
                facts=("wool of Alpine sheep", "130 x 190 cm", "woven in Vorarlberg")),
        Product(id="oak-board", name="Oak board", price="45 €",
                facts=("one piece of oak", "oiled, not varnished", "40 x 25 cm")),
        Product(id="steel-bottle", name="Steel bottle", price="32 €",
                facts=("0.75 l", "double wall", "spare lids for ten years")),
    )
}  # fmt: skip
TONES = ("short", "friendly", "factual")
