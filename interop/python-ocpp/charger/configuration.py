"""The configuration keys of the station."""

MEASURANDS = ["Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage"]
MOST_ITEMS = 20


def whole(low=0, high=1_000_000):
    def check(text):
        if not text.lstrip("-").isdecimal() or not low <= int(text) <= high:
            raise ValueError(text)
        return str(int(text))

    return check


def truth(text):
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower()


def measurands(text):
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    if len(names) > MOST_ITEMS or any(name not in MEASURANDS for name in names):
        raise ValueError(text)
    return ",".join(names)


def rotation(connectors):
    orders = {"NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR"}

    def check(text):
        for item in filter(None, (part.strip() for part in text.split(","))):
            number, _, order = item.partition(".")
            if not number.isdecimal() or int(number) > connectors or order not in orders:
                raise ValueError(text)
        return text

    return check


class Configuration:
    """Keys with their values; the spelling of a key does not matter to who asks."""

    def __init__(self, connectors):
        # A key without a check is read only.
        keys = {
            "AllowOfflineTxForUnknownId": ("false", truth),
            "AuthorizationCacheEnabled": ("true", truth),
            "AuthorizeRemoteTxRequests": ("false", truth),
            "ClockAlignedDataInterval": ("0", whole(0, 86_400)),
            "ConnectionTimeOut": ("60", whole(1, 86_400)),
            "ConnectorPhaseRotation": ("0.Unknown,1.Unknown,2.Unknown", rotation(connectors)),
            "GetConfigurationMaxKeys": ("50", None),
            "HeartbeatInterval": ("300", whole(1)),
            "LocalAuthorizeOffline": ("true", truth),
            "LocalPreAuthorize": ("false", truth),
            "MessageTimeout": ("30", whole(1, 600)),
            "MeterValuesAlignedData": ("Energy.Active.Import.Register", measurands),
            "MeterValuesAlignedDataMaxLength": (str(MOST_ITEMS), None),
            "MeterValuesSampledData": ("Energy.Active.Import.Register", measurands),
            "MeterValuesSampledDataMaxLength": (str(MOST_ITEMS), None),
            "MeterValueSampleInterval": ("60", whole(0, 86_400)),
            "NumberOfConnectors": (str(connectors), None),
            "ResetRetries": ("1", whole(0, 100)),
            "StopTransactionMaxMeterValues": ("100", None),
            "StopTransactionOnEVSideDisconnect": ("true", truth),
            "StopTransactionOnInvalidId": ("true", truth),
            "StopTxnAlignedData": ("", measurands),
            "StopTxnAlignedDataMaxLength": (str(MOST_ITEMS), None),
            "StopTxnSampledData": ("", measurands),
            "StopTxnSampledDataMaxLength": (str(MOST_ITEMS), None),
            "SupportedFeatureProfiles": ("Core,RemoteTrigger", None),
            "TransactionMessageAttempts": ("3", whole(1, 100)),
            "TransactionMessageRetryInterval": ("60", whole(0, 86_400)),
            "UnlockConnectorOnEVSideDisconnect": ("true", truth),
        }
        self._checks = {key: check for key, (_, check) in keys.items()}
        self._values = {key: value for key, (value, _) in keys.items()}
        self._spelling = {key.lower(): key for key in keys}

    def text(self, key):
        return self._values[key]

    def number(self, key):
        return int(self._values[key])

    def is_on(self, key):
        return self._values[key] == "true"

    def items(self, key):
        return self._values[key].split(",") if self._values[key] else []

    def put(self, key, value):
        self._values[key] = value

    def read(self, keys):
        """The answer to GetConfiguration: known keys, and those that nobody knows."""
        wanted = list(dict.fromkeys(keys)) if keys else list(self._values)
        known, unknown = [], []
        for asked in wanted:
            key = self._spelling.get(asked.lower())
            if key is None:
                unknown.append(asked)
            else:
                known.append({"key": key, "readonly": self._checks[key] is None, "value": self._values[key]})
        return known, unknown

    def change(self, asked, value):
        """The status that ChangeConfiguration earns."""
        key = self._spelling.get(asked.lower())
        if key is None:
            return "NotSupported"
        check = self._checks[key]
        if check is None:
            return "Rejected"
        try:
            self._values[key] = check(value)
        except ValueError:
            return "Rejected"
        return "Accepted"
