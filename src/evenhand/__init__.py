"""Evenhand decides refund disputes for marketplaces."""
