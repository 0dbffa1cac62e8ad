"""A charging station for OCPP 1.6: what it is made of."""
