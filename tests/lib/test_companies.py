"""Company names, credit codes, domains, phones, e-mails."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo_crm.lib.companies import (
    Verdict,
    block_keys,
    company_key,
    compare_names,
    credit_code,
    parse_company,
    valid_credit_code,
)  # fmt: skip
from expo_crm.lib.domains import registered_domain, web_domain
from expo_crm.lib.emails import EmailError, email_key, has_header_break, parse_email, split_emails
from expo_crm.lib.phones import parse_phone, to_e164

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=30)


@pytest.mark.parametrize(
    ("name", "place", "brand", "trade", "branch"),
    [
        ("上海东方算芯科技有限公司", "上海", "东方算芯", "科技", ""),
        ("博世（中国）投资有限公司", "中国", "博世", "投资", ""),
        ("深圳市大疆创新科技有限公司", "深圳", "大疆", "创新科技", ""),
        ("内蒙古自治区呼和浩特市蓝原乳业有限责任公司", "呼和浩特", "蓝原", "乳业", ""),
        ("阿里云计算有限公司深圳分公司", "", "阿里", "云计算", "深圳分公司"),
        ("臺灣積體電路製造股份有限公司", "台湾", "积体电路", "制造", ""),
        ("永安市知行创研工作室", "永安", "知行创研工作室", "", ""),
    ],
)
def test_chinese_names_taken_apart(name: str, place: str, brand: str, trade: str, branch: str):
    found = parse_company(name)
    assert (found.place, found.brand, found.trade, found.branch) == (place, brand, trade, branch)


@pytest.mark.parametrize(
    "names",
    [
        [
            "上海云岭智能科技有限公司",
            "上海云岭智能科技股份有限公司",
            "上海雲嶺智能科技（集團）有限公司",
            " 上海市云岭智能科技有限责任公司 ",
            "云岭智能科技（上海）有限公司",
        ],
        ["Acme Tools GmbH", "ACME TOOLS", "Acme Tools G.m.b.H.", "Acme-Tools GmbH & Co. KG", "Ácme Tools, Inc."],
        ["Foo Sp. z o.o.", "FOO SP Z O O", "Foo"],
        ["S.A.B.C.A.", "SABCA"],
    ],
)
def test_writings_of_one_name_share_a_key(names: list[str]):
    assert len({company_key(name) for name in names}) == 1
    assert compare_names(names[0], names[1]).verdict is Verdict.SAME


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("上海张三机械有限公司", "上海李四机械有限公司", Verdict.DIFFERENT),
        ("阿里云计算有限公司", "阿里云计算有限公司深圳分公司", Verdict.MAYBE),
        ("北京纬钛科技有限公司", "上海纬钛科技有限公司", Verdict.MAYBE),
        ("上海明华机械有限公司", "上海铭华机械有限公司", Verdict.MAYBE),
        ("上海电气集团", "北京电气集团", Verdict.DIFFERENT),
        ("华为技术有限公司", "华为云计算技术有限公司", Verdict.MAYBE),
        ("深圳市腾讯计算机系统有限公司", "腾讯", Verdict.MAYBE),
        ("华为技术有限公司", "Huawei Technologies Co., Ltd.", Verdict.MAYBE),
        ("3D Systems", "4D Systems", Verdict.DIFFERENT),
        ("Thales", "Thales Alenia Space", Verdict.MAYBE),
        ("Rheinmetal Defence", "Rheinmetall Defence", Verdict.MAYBE),
        ("Bosch (China)", "Bosch India", Verdict.MAYBE),
        ("A.B. Smith & Sons Ltd", "Smith & Daughters Ltd", Verdict.DIFFERENT),
        ("", "x", Verdict.DIFFERENT),
        ("!!!", "???", Verdict.DIFFERENT),
    ],
)
def test_comparisons(a: str, b: str, verdict: Verdict):
    found = compare_names(a, b)
    assert found.verdict is verdict, found
    assert compare_names(b, a) == found
    if verdict is not Verdict.DIFFERENT:
        assert block_keys(a) & block_keys(b) or parse_company(a).chinese != parse_company(b).chinese


@settings(max_examples=80)
@given(ANY_TEXT, ANY_TEXT)
def test_comparison_never_fails(a: str, b: str):
    found = compare_names(a, b)
    assert 0 <= found.score <= 1
    company_key(a), block_keys(a), web_domain(a), valid_credit_code(a), parse_phone(a), email_key(a)


def test_credit_code():
    assert valid_credit_code("91350100M000100Y43")
    assert not valid_credit_code("91350100M000100Y44")
    assert credit_code(" ９1350100m000100y43 ") == "91350100M000100Y43"
    assert credit_code("91350100M000100I43") is None
    assert credit_code("") is None


@settings(max_examples=60)
@given(st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_credit_code_finds_single_slips(place: int, sign: str):
    good = "91350100M000100Y43"
    wrong = good[:place] + sign + good[place + 1 :]
    assert valid_credit_code(wrong) == (wrong == good)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://shop.huawei.com/x?y=1", "huawei.com"),
        ("WWW.Foo.com.cn", "foo.com.cn"),
        ("sales@mail.foo.co.uk", "foo.co.uk"),
        ("foo.sh.cn", "foo.sh.cn"),
        ("http://www.例子.公司/", "xn--fsqu00a.xn--55qx5d"),
        ("esri.com/", "esri.com"),
        ("a@qq.com", None),
        ("https://www.facebook.com/foo", None),
        ("http://10.0.0.1/", None),
        ("co.uk", None),
        ("localhost", None),
        ("javascript:alert(1)", None),
        ("", None),
        ("http://[::1]/", None),
    ],
)
def test_web_domain(text: str, domain: str | None):
    assert web_domain(text) == domain


def test_the_host_of_a_mail_address_is_cut_to_its_domain():
    assert registered_domain("x@vip.163.com") == "163.com"


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("138 0013 8000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("0086 13800138000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("'+8613800138000", "+8613800138000"),
        ("+49 221 821-0", "+492218210"),
        ("010-62345678转801", "+861062345678"),
        ("1.38E+10", None),
        ("abcdefg", None),
        ("9" * 30, None),
        ("13800138", None),
        ("", None),
    ],
)
def test_phones(typed: str, e164: str | None):
    assert to_e164(typed) == e164
    assert (parse_phone(typed).problem is None) == (e164 is not None)


def test_phone_details():
    found = parse_phone("010-62345678转801")
    assert (found.extension, found.mobile, found.region, found.raw) == ("801", False, "CN", "010-62345678转801")
    assert parse_phone("1.38E+10").problem == "phone-science"
    assert parse_phone("13800138000").mobile


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "email-empty"),
        ("\u200b", "email-empty"),
        ("a@b.cn%0aBcc:x@y.cn", "email-header"),
        ("a@b.cn\r\nBcc: x@y.cn", "email-header"),
        ("a@localhost", "email-format"),
        ("a@@b.cn", "email-format"),
        ("x" * 400 + "@b.cn", "email-length"),
        ("上海公司", "email-format"),
    ],
)
def test_emails_refused(typed: str, code: str):
    with pytest.raises(EmailError, match=code):
        parse_email(typed)


def test_emails():
    found = parse_email(" A.B+tag@EXÄMPLE.com ")
    assert (found.address, found.key, found.domain) == (
        "A.B+tag@exämple.com",
        "a.b+tag@xn--exmple-cua.com",
        "xn--exmple-cua.com",
    )
    assert parse_email("ａ＠qq.com").address == "a@qq.com"
    assert parse_email("x@qq.con").suggestion == "x@qq.com"
    assert split_emails("a@b.cn；c@d.cn / e@f.cn") == ["a@b.cn", "c@d.cn", "e@f.cn"]
    assert has_header_break("Subject\nBcc") and not has_header_break("10% off")
