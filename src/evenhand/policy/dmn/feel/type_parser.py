"""Types as FEEL writes them: `number`, `list<date and time>`, `context<a: string>`, `function<number> -> string`."""

from evenhand.policy.dmn.feel.stream import Stream
from evenhand.policy.dmn.feel.types import ANY, BASIC, FunctionType, ListOf, RangeOf, Structure, Type
from evenhand.policy.errors import suggestion


class TypeStream(Stream):
    """A stream that can read a type."""

    def type(self) -> Type:
        with self.deeper():
            match = self.vocabulary.type_names.match(self.tokens, self.place)
            if not match and self.at("function"):
                match = ("function", 1)
            if not match:
                raise self.error(
                    f"expected a type, found {self.found()}{suggestion(self.next.text, self.vocabulary.type_names.all)}"
                )
            name, count = match
            self.advance(count)
            if (
                name in ("list", "range", "context", "function")
                and name not in self.vocabulary.types
                and self.skip("<")
            ):
                return self._parametrised(name)
            return self.vocabulary.types.get(name) or BASIC.get(name, ANY)

    def _parametrised(self, name: str) -> Type:
        if name == "context":
            fields: dict[str, Type] = {}
            while not self.skip(">"):
                key = self.name_until(":")
                self.expect(":")
                fields[key] = self.type()
                if not self.at(">"):
                    self.expect(",")
            return Structure(fields)
        parts: list[Type] = []
        while not self.skip(">"):
            parts.append(self.type())
            if not self.at(">"):
                self.expect(",")
        if name == "function":
            if self.skip("->"):
                self.type()
            return FunctionType(tuple(parts))
        if len(parts) != 1:
            raise self.error(f"{name}<...> takes one type")
        return ListOf(parts[0]) if name == "list" else RangeOf(parts[0])
