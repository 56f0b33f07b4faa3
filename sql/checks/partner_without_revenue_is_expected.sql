-- partner_without_revenue_is_expected: every partner in the programme that signed and has no revenue has a row that says
--   when it may be expected, or why that is not known.
-- severity: error
-- table: score_partner_first_revenue
SELECT signed.partner_id, signed.signed_on
FROM intermediate.int_signed_partner AS signed
LEFT JOIN score_partner_first_revenue AS expected ON signed.partner_id = expected.partner_id
WHERE signed.is_waiting AND (expected.partner_id IS NULL OR expected.explanation IS NULL)
