"""Which values can be null: what is known never to be needs no guard, in any language a policy compiles to."""

from collections.abc import Collection

from evenhand.policy.tree import Const, Equal, Expr, Formula, Gathered, If, In, Quotient, Read, Step, children


def nullable(expr: Expr, sure: Collection[str] = ()) -> bool:
    """Whether an expression may be null; `sure` are outputs that never are."""
    match expr:
        case Const():
            return expr.value is None
        case Read():
            return expr.name not in sure
        case In() | Equal():
            return False
        case Gathered():
            return expr.operator != "count"
        case Quotient() if expr.right.type.low <= 0 <= expr.right.type.high:
            return True
        case If(condition=In(operand=operand, values=(None,))) if expr.otherwise == operand:
            return nullable(expr.then, sure)
        case If():
            return nullable(expr.then, sure) or nullable(expr.otherwise, sure)
        case _:
            return any(nullable(child, sure) for child in children(expr))


def never_null(step: Step, sure: Collection[str]) -> set[str]:
    """The outputs of a step that are never null, when those of earlier steps in `sure` never are."""
    if isinstance(step, Formula):
        return set() if nullable(step.value, sure) else {step.name}
    if step.hit == "C#":
        return {output.name for output in step.outputs}
    always = any(all(test is None for test in rule.tests) for rule in step.rules)
    if not always or step.hit in ("U", "A"):
        return set()
    return {
        output.name
        for place, output in enumerate(step.outputs)
        if not any(nullable(rule.outputs[place], sure) for rule in step.rules)
    }
