"""DMN (Decision Model and Notation, OMG, versions 1.1 to 1.5): reading its XML, and evaluating what it decides.

    from evenhand.policy import dmn

    model = dmn.load("loan.dmn")
    model.evaluate("Approval", {"Applicant age": 43, "Affordability": "High"})

XML becomes `elements`; a decision's expressions become one FEEL tree (`compile`) when its names are known; an `Evaluation`
walks the requirements graph from the decision asked for. The expression language is in `feel`.
"""

from evenhand.policy.dmn.feel.values import Function, Range, YearsMonths
from evenhand.policy.dmn.model import Model, load, loads

__all__ = ["Function", "Model", "Range", "YearsMonths", "load", "loads"]
