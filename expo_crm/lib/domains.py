"""The web domain of a company, from a link or an address: the strongest free key there is for duplicates."""

from __future__ import annotations

import re

from expo_crm.lib.text import clean_code, words

FREE_MAIL = frozenset(
    words("""
        qq.com vip.qq.com foxmail.com 163.com vip.163.com 126.com yeah.net 188.com sina.com sina.cn vip.sina.com
        sohu.com tom.com 21cn.com 139.com 189.cn wo.cn aliyun.com gmail.com googlemail.com outlook.com hotmail.com
        live.com live.cn msn.com yahoo.com yahoo.cn yahoo.com.cn yahoo.co.jp yahoo.com.hk yahoo.com.tw ymail.com
        icloud.com me.com mac.com aol.com gmx.de gmx.net gmx.com web.de t-online.de freenet.de mail.ru bk.ru
        inbox.ru list.ru yandex.ru yandex.com rambler.ru orange.fr wanadoo.fr free.fr laposte.net libero.it
        virgilio.it tiscali.it naver.com hanmail.net daum.net proton.me protonmail.com zoho.com rediffmail.com
        btinternet.com comcast.net verizon.net att.net hinet.net netvigator.com pchome.com.tw seznam.cz wp.pl
        onet.pl o2.pl uol.com.br terra.com.br
    """)
)
"""Mail domains that say nothing about the company."""

SHARED_HOSTS = frozenset(
    words("""
        facebook.com linkedin.com instagram.com twitter.com x.com youtube.com weibo.com weixin.qq.com qq.com
        taobao.com tmall.com jd.com 1688.com alibaba.com made-in-china.com globalsources.com amazon.com ebay.com
        github.io github.com google.com wixsite.com wordpress.com blogspot.com weebly.com myshopify.com shopify.com
        notion.site linktr.ee bit.ly steampowered.com itch.io baidu.com zhihu.com bilibili.com douyin.com tiktok.com
        xiaohongshu.com apple.com discord.gg discord.com t.me linkin.bio business.site
    """)
)
"""Hosts on which many companies have pages."""

_SECOND_LEVEL = frozenset(
    words("com co net org gov edu ac or ne go gob gouv mil ltd plc me nom ind firm gen web info biz")
)
_CHINESE_REGIONS = frozenset(
    words("bj sh tj cq he sx nm ln jl hl js zj ah fj jx sd ha hb hn gd gx hi sc gz yn xz sn gs qh nx xj tw hk mo")
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def _host(text: str) -> str:
    """The host part of a link, an address or a bare domain, in ASCII small letters; "" when there is none."""
    text = clean_code(text).replace("。", ".").casefold()
    text = re.split(r"[\s,;|]", text, maxsplit=1)[0]
    text = re.sub(r"^[a-z][a-z0-9+.-]*:/{0,3}", "", text)
    host = re.split(r"[/?#\\]", text, maxsplit=1)[0].rsplit("@", 1)[-1]
    host = re.sub(r":\d*$", "", host).strip(".")
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def registered_domain(text: str) -> str | None:
    """The registrable domain of a link, an address or a host (`https://shop.huawei.com/x` gives `huawei.com`).

    A short rule for two-level endings (`com.cn`, `co.uk`, `sh.cn`) stands in for the public suffix list. None for
    IP addresses, single words and anything unreadable.
    """
    labels = _host(text).split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        return None
    second = labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2
    region = labels[-1] == "cn" and labels[-2] in _CHINESE_REGIONS
    if (second or region) and len(labels) == 2:
        return None
    return ".".join(labels[-3:] if second or region else labels[-2:])


def web_domain(url_or_email: str) -> str | None:
    """The domain that identifies a company, or None for free mail, shared platforms and unreadable text."""
    domain = registered_domain(url_or_email)
    if domain is None or domain in FREE_MAIL or domain in SHARED_HOSTS:
        return None
    return domain
