"""Forms of the portal, and the invitation into it."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, SelectMultipleField, StringField, TextAreaField, widgets
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, ValidationError

from expo_crm.directory.domain.naming import site_url
from expo_crm.exhibitors.domain.import_rows import split_list
from expo_crm.lib import emails
from expo_crm.web.forms import BaseForm, NotBlank


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

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.locale.choices = [SelectChoice("zh", "中文"), SelectChoice("en", "English")]

    def validate_email(self, field: StringField) -> None:
        if emails.email_key(field.data or "") is None:
            raise ValidationError(_("Please enter an e-mail address."))
