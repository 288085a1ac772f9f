from expo_crm.billing.models.bank import BankStatement, BankTransaction
from expo_crm.billing.models.invoice import Invoice, InvoiceLine, NumberSequence, Payment
from expo_crm.billing.models.product import OrderLine, Product
from expo_crm.billing.models.terms import BillingTerms, CancellationRule, CompanyCredit, CurrencyRate, Dunning, PlanStep

__all__ = [
    "BankStatement",
    "BankTransaction",
    "BillingTerms",
    "CancellationRule",
    "CompanyCredit",
    "CurrencyRate",
    "Dunning",
    "Invoice",
    "InvoiceLine",
    "NumberSequence",
    "OrderLine",
    "Payment",
    "PlanStep",
    "Product",
]
