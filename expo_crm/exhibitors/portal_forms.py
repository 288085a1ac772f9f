"""Forms of the portal, and the invitation into it."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    DateField,
    FileField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    widgets,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from expo_crm.directory.domain.naming import site_url
from expo_crm.exhibitors import task_labels
from expo_crm.exhibitors.domain.import_rows import split_list
from expo_crm.lib import emails
from expo_crm.web.forms import BaseForm, MoneyField, NotBlank


class MultiCheckboxField(SelectMultipleField):
    """Check boxes; a value that is not offered is refused."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


class EntryForm(BaseForm):
    name_zh = StringField(_l("Company name in Chinese"), [Length(max=300)])
    name_en = StringField(_l("Company name in English"), [Length(max=300)])
    intro_zh = TextAreaField(_l("Introduction in Chinese"), [Length(max=4000)])
    intro_en = TextAreaField(_l("Introduction in English"), [Length(max=4000)])
    website = StringField(_l("Website"), [Length(max=300)])
    brands = StringField(_l("Brands"), [Length(max=1000)])
    categories = MultiCheckboxField(_l("What you show"), coerce=int)

    def validate_name_en(self, field: StringField) -> None:
        if not (field.data or self.name_zh.data):
            raise ValidationError(_("Please enter the name in one of the two languages."))

    def validate_website(self, field: StringField) -> None:
        if field.data and not site_url(field.data):
            raise ValidationError(_("Please enter a web address, for example www.example.com."))

    @property
    def brand_list(self) -> list[str]:
        return split_list((self.brands.data or "").replace(",", "、").replace("，", "、"))


class InviteForm(BaseForm):
    email = StringField(_l("E-mail"), [NotBlank(), Length(max=254)])
    name = StringField(_l("Name"), [NotBlank(), Length(max=200)])
    locale = SelectField(_l("Language of the mail"))
    role = SelectField(_l("Role"), default="main")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.locale.choices = [SelectChoice("zh", "中文"), SelectChoice("en", "English")]
        self.role.choices = [SelectChoice(str(key), label) for key, label in task_labels.ROLES.items()]

    def validate_email(self, field: StringField) -> None:
        if emails.email_key(field.data or "") is None:
            raise ValidationError(_("Please enter an e-mail address."))


class FasciaForm(BaseForm):
    text_zh = StringField(_l("In Chinese"), [Length(max=100)])
    text_en = StringField(_l("In English"), [Length(max=100)])


class BadgeForm(BaseForm):
    names = TextAreaField(_l("Names of the people"), [NotBlank(), Length(max=5000)])


class DrawingForm(BaseForm):
    file = FileField(_l("Drawings"))
    remark = TextAreaField(_l("Remark"), [Length(max=4000)])


class RulesForm(BaseForm):
    """Badge quota, publication and freeze; the deadlines of the tasks are fields of their own (``due_…``, ``active_…``)."""

    badges = IntegerField(_l("Badges"), [InputRequired(), NumberRange(min=0, max=100)])
    badge_m2 = MoneyField(_l("for each begun m²"), [InputRequired()], low=Decimal(1), high=Decimal(10000))
    published_on = DateField(_l("Directory is published on"), [Optional()])
    freeze_on = DateField(_l("No more changes by exhibitors from"), [Optional()])

    def validate_freeze_on(self, field: DateField) -> None:
        if field.data and self.published_on.data and field.data < self.published_on.data:
            raise ValidationError(_("The freeze cannot come before the publication."))
