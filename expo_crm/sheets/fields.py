"""The targets of the usual imports, with the header words of Chinese and English lists."""

from __future__ import annotations

from expo_crm.lib.i18n import N_
from expo_crm.sheets.map import Field, header_key


def _field(key: str, label: str, synonyms: str) -> Field:
    """A field; its header words are separated by bars."""
    return Field(key, label, tuple(synonyms.split("|")))


EXHIBITOR_FIELDS: tuple[Field, ...] = (
    _field(
        "external_id",
        N_("External number"),
        "id|编号|序号|no|no.|number|code|代码|外部编号|exhibitor id|展商编号|客户编号|external id|ref",
    ),
    _field(
        "company_zh",
        N_("Company name (Chinese)"),
        "公司名称|企业名称|单位名称|公司|单位|展商名称|参展商|参展企业|展商|公司中文名|中文名称|公司名称(中文)|"
        "企业中文名|参展商名称|客户名称|工作单位|公司全称|公司中文名称|机构名称|name_zh",
    ),
    _field(
        "company_en",
        N_("Company name (English)"),
        "英文名称|公司英文名|公司名称(英文)|公司英文名称|英文名|english name|company name (english)|"
        "company english|name_en",
    ),
    _field(
        "company",
        N_("Company name"),
        "exhibitor|company name|exhibitor name|organisation|organization|organization name|firm|name|aussteller|"
        "firma|societe|entreprise|azienda|名称|account name",
    ),
    _field(
        "credit_code",
        N_("Unified social credit code"),
        "统一社会信用代码|信用代码|税号|纳税人识别号|tax id|vat|vat number|vat id|uscc|营业执照号",
    ),
    _field(
        "country",
        N_("Country"),
        "国家|国别|国家/地区|国家地区|country/region|country region|nation|land|pays|所在国家",
    ),
    _field(
        "province",
        N_("Province"),
        "省份|省|state|region|地区|所在省|bundesland|省市",
    ),
    _field(
        "city",
        N_("City"),
        "城市|市|town|所在城市|ort|ville",
    ),
    _field(
        "address",
        N_("Address"),
        "地址|公司地址|street|联系地址|详细地址|通讯地址|street address",
    ),
    _field(
        "website",
        N_("Website"),
        "网址|网站|web|url|homepage|官网|公司网址|公司网站|internet|web site",
    ),
    _field(
        "hall",
        N_("Hall"),
        "展馆|馆号|halls|展厅|馆|hall number|所在展馆|halle|pavilion",
    ),
    _field(
        "booth",
        N_("Stand number"),
        "展位号|展台|stand|stands|booths|展位|展台号|booth number|stand number|booth no|stand no|booth no.|"
        "摊位号|摊位|展位编号|standnummer",
    ),
    _field(
        "net_area",
        N_("Net space (m²)"),
        "面积|展位面积|净面积|area|net area|sqm|m2|㎡|stand size|booth size|参展面积|net sqm|space",
    ),
    _field(
        "booth_type",
        N_("Stand type"),
        "展位类型|booth type|stand type|展台类型|标摊/光地|expo type|搭建类型",
    ),
    _field(
        "role",
        N_("Role in the edition"),
        "角色|参展角色|展商类型|exhibitor type|role_zh|参展类型|type|类型",
    ),
    _field(
        "categories",
        N_("Product categories"),
        "产品类别|展品类别|展品范围|category|product categories|行业|industry|所属行业|展品分类|product group|"
        "product groups|industry_zh|主营产品|产品|products|经营范围|business_scope_zh|类别|sector",
    ),
    _field(
        "category_codes",
        N_("Category codes"),
        "类别代码|category code|分类代码|行业代码|nomenclature",
    ),
    _field(
        "intro_zh",
        N_("Introduction (Chinese)"),
        "简介|公司简介|企业简介|中文简介|介绍|展商简介|企业介绍",
    ),
    _field(
        "intro_en",
        N_("Introduction (English)"),
        "description|intro|profile|company profile|英文简介|about|introduction",
    ),
    _field(
        "contact",
        N_("Contact person"),
        "联系人|contact name|contact person|姓名|full name|person|联系人姓名|负责人|参展联系人|观众姓名|"
        "visitor name|attendee|attendee name|ansprechpartner|中文姓名",
    ),
    _field(
        "first_name",
        N_("First name"),
        "first name|given name|名|vorname|prenom",
    ),
    _field(
        "last_name",
        N_("Last name"),
        "last name|surname|family name|姓|nachname|nom",
    ),
    _field(
        "job_title",
        N_("Job title"),
        "job title|职务|职位|title|position|岗位|job|function|联系人职务",
    ),
    _field(
        "mobile",
        N_("Mobile phone"),
        "手机|手机号|手机号码|移动电话|mobile phone|cell|cell phone|联系手机|mobile number|handy",
    ),
    _field(
        "phone",
        N_("Telephone"),
        "电话|联系电话|telephone|tel|座机|固定电话|公司电话|办公电话|phone number|电话号码|telefon",
    ),
    _field(
        "email",
        N_("E-mail"),
        "邮箱|电子邮箱|e-mail|电子邮件|email address|mail|联系邮箱|邮箱地址|邮件",
    ),
    _field(
        "amount",
        N_("Contract amount"),
        "金额|合同金额|contract amount|价格|price|展位费|total|合计|应收金额",
    ),
    _field(
        "owner",
        N_("Sales owner"),
        "业务员|销售|sales|sales person|负责业务员|跟进人|account manager|客户经理",
    ),
    _field(
        "tags",
        N_("Tags"),
        "标签|tag|级别|partner level|partner_level_zh|合作级别",
    ),
    _field(
        "notes",
        N_("Notes"),
        "备注|note|remark|remarks|comment|comments|说明|bemerkung",
    ),
)
"""Exhibitor lists. One of the three company names is needed; the importer checks that, since any of them will do."""

VISITOR_FIELDS: tuple[Field, ...] = (
    _field(
        "external_id",
        N_("External number"),
        "id|编号|序号|no|no.|number|code|代码|外部编号|exhibitor id|展商编号|客户编号|external id|ref|"
        "registration id|登记编号|order code|观众编号",
    ),
    _field(
        "name",
        N_("Name"),
        "姓名|full name|联系人|观众姓名|visitor name|attendee name|中文姓名|attendee",
    ),
    _field(
        "first_name",
        N_("First name"),
        "first name|given name|名|vorname|prenom",
    ),
    _field(
        "last_name",
        N_("Last name"),
        "last name|surname|family name|姓|nachname|nom",
    ),
    _field(
        "company",
        N_("Company name"),
        "公司名称|企业名称|单位名称|公司|单位|展商名称|参展商|参展企业|展商|公司中文名|中文名称|公司名称(中文)|"
        "企业中文名|参展商名称|客户名称|工作单位|公司全称|公司中文名称|机构名称|name_zh|exhibitor|company name|"
        "exhibitor name|organisation|organization|organization name|firm|aussteller|firma|societe|entreprise|"
        "azienda|account name",
    ),
    _field(
        "job_title",
        N_("Job title"),
        "job title|职务|职位|title|position|岗位|job|function|联系人职务",
    ),
    _field(
        "department",
        N_("Department"),
        "部门|dept|所在部门|abteilung",
    ),
    _field(
        "country",
        N_("Country"),
        "国家|国别|国家/地区|国家地区|country/region|country region|nation|land|pays|所在国家",
    ),
    _field(
        "province",
        N_("Province"),
        "省份|省|state|region|地区",
    ),
    _field(
        "city",
        N_("City"),
        "城市|市|town|所在城市",
    ),
    _field(
        "address",
        N_("Address"),
        "地址|联系地址|通讯地址",
    ),
    _field(
        "mobile",
        N_("Mobile phone"),
        "手机|手机号|手机号码|移动电话|mobile phone|cell|cell phone|联系手机|mobile number|handy",
    ),
    _field(
        "phone",
        N_("Telephone"),
        "电话|联系电话|telephone|tel|座机|固定电话|公司电话|办公电话|phone number|电话号码|telefon",
    ),
    _field(
        "email",
        N_("E-mail"),
        "邮箱|电子邮箱|e-mail|电子邮件|email address|mail|联系邮箱|邮箱地址|邮件",
    ),
    _field(
        "visitor_class",
        N_("Visitor class"),
        "观众类型|观众类别|ticket type|ticket|class|票种|证件类型|category|类型|item",
    ),
    _field(
        "buying_role",
        N_("Buying role"),
        "采购角色|buying role|采购权限|decision role|purchasing authority",
    ),
    _field(
        "interests",
        N_("Product interests"),
        "感兴趣的产品|采购意向|product interests|关注产品|参观目的|感兴趣产品",
    ),
    _field(
        "channel",
        N_("Channel"),
        "来源|渠道|source|邀请渠道|utm source",
    ),
    _field(
        "language",
        N_("Language"),
        "语言|locale|lang",
    ),
    _field(
        "notes",
        N_("Notes"),
        "备注|remark|comment",
    ),
)
"""Visitor lists and registrations of other systems."""

KNOWN_HEADERS = frozenset(
    header_key(word, notes=True)
    for field in (*EXHIBITOR_FIELDS, *VISITOR_FIELDS)
    for word in (field.key, *field.synonyms)
)
"""Header words of both lists: what the search for the header row looks for."""
