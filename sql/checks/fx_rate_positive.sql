-- fx_rate_positive: exchange rates are greater than zero; those listed do not count.
-- severity: warning
-- table: canonical.fx_rate
-- next: correct the rate in the export
SELECT currency, base_currency, valid_from, rate, _file, _row
FROM canonical.fx_rate
WHERE NOT _deleted AND NOT rate > 0
