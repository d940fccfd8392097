"""The words printed before each field of certificates and labels (JJF 1001 and bureau forms), Chinese and English."""

from __future__ import annotations

LABELS: dict[str, tuple[str, ...]] = {
    "certificate_no": (
        "证书编号", "证书号码", "证书号", "检定证书编号", "通知书编号", "检定编号", "报告编号",
        "Certificate No", "Certificate Number", "Cert No", "Serial No of Certificate",
    ),
    "instrument": (
        "计量器具名称", "器具名称", "仪器名称", "样品名称", "设备名称", "器具名", "名称",
        "Name of Instrument", "Instrument Name", "Description", "Instrument",
    ),
    "model": (
        "型号/规格", "型号规格", "规格型号", "规格/型号", "型号", "规格",
        "Type/Specification", "Model/Type", "Type Specification", "Model", "Type",
    ),
    "serial": (
        "出厂编号", "器具编号", "仪器编号", "设备编号", "产品编号", "机身号", "机号", "出厂号", "编号",
        "Serial No", "Serial Number", "S/N",
    ),
    "maker": ("制造单位", "制造厂商", "生产厂家", "生产单位", "制造厂", "制造商", "Manufacturer", "Maker"),
    "verified_on": (
        "检定日期", "检定时间", "本次检定日期", "检定日", "校准日期", "检定于",
        "Date of Verification", "Verification Date", "Verified on", "Date of Calibration", "Calibration Date",
    ),
    "issued_on": ("发证日期", "签发日期", "批准日期", "发布日期", "Date of Issue", "Issue Date"),
    "due_on": (
        "有效期至", "有效日期至", "有效日期", "有效期限", "有效期", "下次检定日期", "下次检定", "到期日期", "有效至",
        "建议下次校准日期", "Valid until", "Valid to", "Due Date", "Validity",
    ),
    "conclusion": ("检定结论", "结论", "检定结果", "Conclusion", "Result"),
    "institution": (
        "检定机构", "检定单位", "发证单位", "发证机构", "校准机构", "检定机构名称", "Verification Institution", "Institution",
    ),
    # Ends the value before it; what follows it is not kept.
    "": (
        "送检单位", "委托单位", "使用单位", "客户名称", "单位名称", "准确度等级", "准确度", "等级", "检定依据", "校准依据",
        "检定周期", "测量范围", "最大秤量", "检定分度值", "批准人", "核验员", "检定员", "校准员", "检定人员", "主管", "地址", "电话",
        "邮编", "传真", "网址", "计量检定机构授权证书号", "授权证书号", "授权证号", "计量标准证书编号", "计量标准考核证书号", "温度",
        "湿度", "相对湿度", "地点", "不合格项", "不确定度", "证书有效期", "计量标准名称", "页码", "防伪码", "查询码",
        "Applicant", "Client", "Accuracy Class", "Verification Regulation", "Approved by", "Checked by", "Verified by",
        "Address", "Tel", "Post Code", "Fax", "Authorization No", "Temperature", "Humidity", "Page",
    ),
}  # fmt: skip
"""By field of ``CertificateFields``, and ``issued_on``, which stands in for a missing day of verification."""

FIELDS = tuple(field for field in LABELS if field)
DATE_FIELDS = ("verified_on", "issued_on", "due_on")
