"""Word lists of the demonstration show, in pairs of languages."""

from __future__ import annotations

SHOW = {
    "code": "yrfe",
    "zh": "长三角流体与过程装备展",
    "en": "Yangtze Fluid & Process Expo",
    "organizer_zh": "东浦会展有限公司",
    "organizer_en": "Dongpu Exhibitions Ltd.",
    "venue_zh": "东浦国际会展中心",
    "venue_en": "Dongpu International Expo Centre",
    "address_zh": "东浦市滨江大道 88 号",
    "address_en": "88 Riverside Avenue, Dongpu",
    "intro_zh": "泵、阀门、压缩机、密封、管道与过程自动化的专业贸易展。专业观众免费预登记。",
    "intro_en": "The trade show for pumps, valves, compressors, seals, piping and process automation. Free pre-registration for trade visitors.",
}

# code: (zh, en, synonyms)
CATEGORIES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "1": ("泵", "Pumps", ("水泵", "pump")),
    "1.1": ("离心泵", "Centrifugal pumps", ("叶片泵", "rotodynamic pumps")),
    "1.2": ("计量泵", "Metering pumps", ("加药泵", "dosing pumps")),
    "1.3": ("磁力泵", "Magnetic drive pumps", ("无泄漏泵", "sealless pumps")),
    "1.4": ("真空泵", "Vacuum pumps", ("抽气泵",)),
    "1.5": ("潜水泵", "Submersible pumps", ("排污泵", "sewage pumps")),
    "2": ("阀门", "Valves", ("valve",)),
    "2.1": ("球阀", "Ball valves", ()),
    "2.2": ("蝶阀", "Butterfly valves", ()),
    "2.3": ("调节阀", "Control valves", ("控制阀", "regulating valves")),
    "2.4": ("安全阀", "Safety valves", ("泄压阀", "relief valves")),
    "2.5": ("阀门执行器", "Valve actuators", ("电动执行器", "electric actuators")),
    "3": ("压缩机与风机", "Compressors and blowers", ("气体设备",)),
    "3.1": ("螺杆压缩机", "Screw compressors", ("空压机", "air compressors")),
    "3.2": ("离心风机", "Centrifugal blowers", ("鼓风机",)),
    "3.3": ("无油压缩机", "Oil-free compressors", ()),
    "3.4": ("气体干燥净化", "Gas drying and purification", ("干燥机", "dryers")),
    "4": ("密封与轴承", "Seals and bearings", ()),
    "4.1": ("机械密封", "Mechanical seals", ("端面密封", "face seals")),
    "4.2": ("填料与垫片", "Packings and gaskets", ("密封垫", "gaskets")),
    "4.3": ("特种轴承", "Special bearings", ("滑动轴承", "plain bearings")),
    "5": ("管道与管件", "Piping and fittings", ()),
    "5.1": ("不锈钢管件", "Stainless steel fittings", ("卫生级管件", "sanitary fittings")),
    "5.2": ("塑料管道", "Plastic piping", ("PVC", "PE 管", "PE pipes")),
    "5.3": ("软管与接头", "Hoses and couplings", ("快速接头", "quick couplings")),
    "6": ("水处理", "Water treatment", ("环保水务",)),
    "6.1": ("膜分离", "Membrane separation", ("反渗透", "reverse osmosis", "RO")),
    "6.2": ("曝气与搅拌", "Aeration and mixing", ("搅拌机", "mixers")),
    "6.3": ("污泥脱水", "Sludge dewatering", ("压滤机", "filter presses")),
    "7": ("过程自动化", "Process automation", ("仪表",)),
    "7.1": ("流量计", "Flow meters", ("流量仪表", "flow measurement")),
    "7.2": ("压力与液位仪表", "Pressure and level instruments", ("液位计", "level meters")),
    "7.3": ("变频与控制系统", "Drives and control systems", ("变频器", "PLC", "inverters")),
    "7.4": ("状态监测", "Condition monitoring", ("预测性维护", "predictive maintenance")),
    "8": ("化工过程装备", "Chemical process equipment", ()),
    "8.1": ("换热器", "Heat exchangers", ("板式换热器", "plate heat exchangers")),
    "8.2": ("反应釜", "Reactors", ("搅拌反应器", "stirred reactors")),
    "8.3": ("过滤与分离", "Filtration and separation", ("离心机", "centrifuges")),
}

PLACES = [
    ("上海", "Shanghai", "上海市"), ("苏州", "Suzhou", "江苏省"), ("无锡", "Wuxi", "江苏省"), ("南京", "Nanjing", "江苏省"), ("常州", "Changzhou", "江苏省"),
    ("南通", "Nantong", "江苏省"), ("杭州", "Hangzhou", "浙江省"), ("温州", "Wenzhou", "浙江省"), ("宁波", "Ningbo", "浙江省"), ("台州", "Taizhou", "浙江省"),
    ("嘉兴", "Jiaxing", "浙江省"), ("合肥", "Hefei", "安徽省"), ("广州", "Guangzhou", "广东省"), ("深圳", "Shenzhen", "广东省"), ("佛山", "Foshan", "广东省"),
    ("大连", "Dalian", "辽宁省"), ("沈阳", "Shenyang", "辽宁省"), ("天津", "Tianjin", "天津市"), ("北京", "Beijing", "北京市"), ("青岛", "Qingdao", "山东省"),
    ("淄博", "Zibo", "山东省"), ("济南", "Jinan", "山东省"), ("成都", "Chengdu", "四川省"), ("重庆", "Chongqing", "重庆市"), ("武汉", "Wuhan", "湖北省"),
    ("长沙", "Changsha", "湖南省"), ("西安", "Xi'an", "陕西省"), ("郑州", "Zhengzhou", "河南省"), ("厦门", "Xiamen", "福建省"), ("石家庄", "Shijiazhuang", "河北省"),
]  # fmt: skip

# Two characters make a brand nobody has, with its romanization.
BRAND_FIRST = [
    ("砚", "Yan"), ("澄", "Cheng"), ("霁", "Ji"), ("沅", "Yuan"), ("岫", "Xiu"), ("汀", "Ting"), ("翀", "Chong"), ("璟", "Jing"), ("澹", "Dan"), ("棠", "Tang"),
    ("湜", "Shi"), ("漪", "Yi"), ("珩", "Heng"), ("昶", "Chang"), ("煦", "Xu"), ("洄", "Hui"), ("栩", "Xu"), ("沄", "Yun"), ("峥", "Zheng"), ("钰", "Yu"),
    ("泠", "Ling"), ("穗", "Sui"), ("檀", "Tan"), ("衡", "Heng"), ("骁", "Xiao"), ("溯", "Su"), ("凇", "Song"), ("邺", "Ye"), ("芃", "Peng"), ("翎", "Ling"),
]  # fmt: skip
BRAND_SECOND = [
    ("沣", "feng"), ("川", "chuan"), ("禾", "he"), ("岳", "yue"), ("铠", "kai"), ("骐", "qi"), ("垣", "yuan"), ("泽", "ze"), ("铄", "shuo"), ("陌", "mo"),
    ("舸", "ge"), ("岑", "cen"), ("钧", "jun"), ("澔", "hao"), ("桓", "huan"), ("屿", "yu"), ("朔", "shuo"), ("瀚", "han"), ("榕", "rong"), ("弈", "yi"),
    ("珺", "jun"), ("遒", "qiu"), ("砺", "li"), ("漾", "yang"), ("筠", "yun"), ("阙", "que"), ("渚", "zhu"), ("樾", "yue"), ("骏", "jun"), ("昀", "yun"),
]  # fmt: skip
# trade word zh, en, category group
TRADES = [
    ("泵业", "Pumps", "1"), ("水泵", "Pump Works", "1"), ("流体设备", "Fluid Equipment", "1"), ("阀门", "Valves", "2"), ("流控", "Flow Control", "2"), ("压缩机", "Compressors", "3"),
    ("气体设备", "Gas Equipment", "3"), ("密封技术", "Sealing Technology", "4"), ("轴承", "Bearings", "4"), ("管业", "Piping", "5"), ("管件", "Fittings", "5"),
    ("环保科技", "Environmental Technology", "6"), ("水处理设备", "Water Treatment", "6"), ("自动化", "Automation", "7"), ("仪表", "Instruments", "7"), ("化工机械", "Chemical Machinery", "8"),
    ("过程装备", "Process Equipment", "8"), ("换热设备", "Heat Transfer", "8"),
]  # fmt: skip
FORMS_ZH = [("有限公司", 62), ("股份有限公司", 14), ("科技有限公司", 14), ("集团有限公司", 6), ("厂", 4)]
FOREIGN = [
    ("DE", "GmbH", ["Nordhafen", "Rheinquell", "Kaltenbrook", "Wesertal", "Auenfeld", "Steinbrück", "Harzlicht", "Elbwerder"]),
    ("IT", "S.p.A.", ["Valdora", "Montefreddo", "Lagonero", "Portovento", "Fontechiara", "Corvella"]),
    ("US", "Inc.", ["Copperfield Bay", "Redstone Creek", "Northgate Fluid", "Prairie Lake", "Harborline", "Cedar Forge"]),
    ("JP", "Co., Ltd.", ["Mizunokawa", "Takashio", "Aokaze", "Shirosawa", "Hinokuma", "Kazemori"]),
    ("KR", "Co., Ltd.", ["Hanbitgang", "Saeroun", "Mirinae Flow", "Daonpyo"]),
    ("FR", "SAS", ["Valbrune", "Clairefond", "Montsource", "Rivelle"]),
    ("CH", "AG", ["Alpwasser", "Firnbach", "Seetalon"]),
    ("NL", "B.V.", ["Waterkamp", "Zuidpolder", "Duinlicht"]),
    ("GB", "Ltd", ["Ashwater", "Thornbeck", "Millcombe", "Fenwick Vale"]),
    ("IN", "Pvt. Ltd.", ["Jaladhara", "Sarovarika", "Neerja Flow"]),
]
FOREIGN_TRADES = [("Pumpen", "Pumps", "1"), ("Armaturen", "Valves", "2"), ("Kompressoren", "Compressors", "3"), ("Dichtungen", "Seals", "4"), ("Filter", "Filtration", "8"), ("Mess", "Instruments", "7"), ("Wasser", "Water", "6")]

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤欧阳"
GIVEN = "思远静怡子涵雨桐浩然欣妍志强建国晓明丽华俊杰婷婷文博雪梅嘉宁立新海燕玉兰春生国栋佳琪宇航梦瑶伟东秀英振华慧敏天成若曦景行书白望舒知微如松克勤安澜清越长风听雨明轩语嫣"
LATIN_FIRST = ["Anna", "Lukas", "Marta", "Jonas", "Clara", "Felix", "Elena", "Marco", "Giulia", "Hannah", "Peter", "Sofia", "Kenji", "Yuki", "Haruto", "Aoi", "Minjun", "Seoyeon", "Priya", "Arjun", "Emma", "Oliver", "Camille", "Louis", "Nora", "Daan", "Grace", "Henry"]
LATIN_LAST = ["Brandauer", "Hollerbach", "Feldkamp", "Rossetti", "Bellandi", "Marchetto", "Tanabeya", "Kurosawano", "Ishimori", "Hanwoo", "Parksan", "Raghunathan", "Deshpandeya", "Whitcombe", "Ashgrove", "Penhallow", "Lavergne", "Montclar", "Van Dijkers", "Oosterveld", "Kellerwald", "Sonnleitner"]

TITLES = [("采购经理", "Purchasing Manager", "purchasing"), ("设备工程师", "Equipment Engineer", "engineering"), ("总经理", "General Manager", "management"), ("技术总监", "Technical Director", "engineering"), ("项目经理", "Project Manager", "engineering"), ("维修主管", "Maintenance Supervisor", "production"), ("研发工程师", "R&D Engineer", "research"), ("销售经理", "Sales Manager", "sales"), ("生产厂长", "Plant Manager", "production"), ("质量经理", "Quality Manager", "quality")]
BUYING_ROLES = [("decide", 26), ("prepare", 33), ("advise", 20), ("use", 11), ("none", 10)]
# End users and dealers who visit: what they do.
BUYER_TRADES = [("石化", "Petrochemical"), ("制药", "Pharma"), ("水务", "Water Utility"), ("食品", "Foods"), ("电力", "Power"), ("造纸", "Paper"), ("钢铁", "Steel"), ("设计院", "Design Institute"), ("工程", "Engineering"), ("贸易", "Trading"), ("半导体", "Semiconductor"), ("锂电材料", "Battery Materials")]

NEEDS = [
    ("寻找耐腐蚀的{zh}，用于新建酸碱车间", "Looking for corrosion-resistant {en} for a new acid plant"),
    ("年度框架采购{zh}", "Annual frame contract for {en}"),
    ("替换现有进口{zh}，要求交期 8 周以内", "Replacing imported {en}, delivery within 8 weeks"),
    ("了解{zh}的节能方案", "Energy-saving solutions around {en}"),
    ("为出口项目寻找有 API 认证的{zh}", "API-certified {en} for an export project"),
]
OFFERS = [
    ("专注{zh}二十余年，提供选型、制造与现场服务。", "Two decades of {en}: selection, manufacturing and field service."),
    ("高效节能{zh}，能效比上一代提高 12%。", "Energy-efficient {en}, 12 % better than the previous generation."),
    ("面向化工与制药的卫生级{zh}。", "Sanitary {en} for chemical and pharmaceutical plants."),
    ("{zh}远程监测与备件当日发货。", "{en} with remote monitoring and same-day spare parts."),
]
CASES = [
    ("complaint", "展位电力晚到两小时", "Stand power came two hours late"),
    ("complaint", "邻近展位噪音过大", "Neighbouring stand is too loud"),
    ("complaint", "楣板公司名称写错", "Fascia name is wrong"),
    ("complaint", "专业观众太少", "Too few trade visitors in the hall"),
    ("suggestion", "希望增加午间休息区", "More seating around noon, please"),
    ("suggestion", "建议扫码入场增加通道", "More lanes at the north gate"),
    ("praise", "现场服务人员响应很快", "Very quick help by the floor team"),
    ("enquiry", "下届展位图何时发布", "When is next year's hall plan out"),
    ("enquiry", "索取展后观众分析报告", "Request for the visitor statistics"),
]
COMMENTS = [
    ("观众质量不错，但第二天下午人偏少。", "Good visitors, but the second afternoon was quiet."),
    ("希望提前发布展位图和搭建时间。", "Please publish the hall plan and build-up times earlier."),
    ("配对洽谈很有帮助，希望增加场次。", "The arranged meetings helped; more of them, please."),
    ("停车和餐饮排队时间太长。", "Parking and lunch queues were too long."),
    ("通过扫码获得的线索质量很高。", "Leads captured by scanning were of high quality."),
]
CALLS = [
    ("电话确认下届参展意向", "Call about taking part next year"),
    ("回访：展位位置与面积", "Follow-up on stand position and size"),
    ("发送展位图与报价", "Sent hall plan and quote"),
    ("拜访工厂，介绍新展区", "Factory visit, presented the new sector"),
    ("讨论联合参展与赞助方案", "Discussed co-exhibitors and sponsorship"),
]
NEXT_STEPS = [("发送报价", "Send the quote"), ("确认展位号", "Confirm the booth number"), ("跟进合同签署", "Chase the signature"), ("催收定金", "Ask for the deposit"), ("约视频会议", "Arrange a video call")]
STAFF = [
    ("sales", "林晚舟", "sales1"), ("sales", "许知行", "sales2"), ("sales", "唐一诺", "sales3"), ("sales", "Nora Whitcombe", "sales4"),
    ("finance", "郑平", "finance"), ("desk", "何小满", "desk"), ("gate", "罗长青", "gate"),
]  # fmt: skip
CLASSES = [("trade", "专业观众", "Trade visitor", "blue"), ("buyer", "特邀买家", "Hosted buyer", "purple"), ("vip", "贵宾", "VIP", "orange"), ("press", "媒体", "Press", "green"), ("exhibitor", "展商", "Exhibitor", "azure"), ("crew", "工作人员", "Crew", "gray")]

AREA_CODES = {
    "上海": "021", "北京": "010", "天津": "022", "重庆": "023", "广州": "020", "深圳": "0755", "杭州": "0571", "苏州": "0512", "成都": "028",
    "武汉": "027", "长沙": "0731", "青岛": "0532", "大连": "0411", "宁波": "0574", "佛山": "0757", "厦门": "0592", "无锡": "0510", "温州": "0577",
    "淄博": "0533", "南京": "025", "西安": "029", "沈阳": "024", "郑州": "0371", "合肥": "0551", "福州": "0591", "济南": "0531",
}  # fmt: skip
