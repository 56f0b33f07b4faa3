-- fct_partner_month_feature: what was known of each partner at the start of each month and tonight, and what became of it: the rows that the churn model learns from and scores (M43).
-- grain: partner x month start from its first commercial event, and tonight
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot s; features hold only what was dated and known before it
-- is_as_of BOOLEAN: the row that is scored tonight, s = as-of date + 1 day
-- is_at_risk BOOLEAN: a commercial event before s, and not churned or exited before s
-- is_usable BOOLEAN: the row may train: at risk, the horizon is over, and no exit cut it short
-- label INTEGER: 1 churned within churn.horizon_days from s, 0 stayed; null where not usable
-- spell_no BIGINT: spell; above 1 the partner came back
-- family_id VARCHAR: head of the partner's family; families are resampled together
-- segment VARCHAR: segment in which the programme compares the partner
-- tenure_months INTEGER: full months since the spell's first commercial event
-- tier_rank DOUBLE: rank of the tier then; null where no history covers s
-- recency_gaps DOUBLE: days since the last commercial event over the partner's usual gap, at most 4
-- days_since_last_event DOUBLE: days since the last commercial event
-- median_gap_days DOUBLE: median of the gaps between commercial days, for reasons; null under three days
-- revenue_trend DOUBLE: log of (won in 90 days + c) over (mean quarter of the year before + c), c the segment's median deal
-- activity_trend DOUBLE: log of (registrations and deals created in 90 days + 1) over (own mean quarter of the year before + 1)
-- open_pipeline_log DOUBLE: log of 1 + open pipeline at its amounts of creation
-- open_pipeline_age_days DOUBLE: mean age of the open deals; 0 for none
-- people_trend DOUBLE: log of (people active in 30 days + 1) over (own mean month of the year before + 1)
-- days_since_activity_log DOUBLE: log of 1 + days since the last portal or LMS activity, at most 365; since the programme's
--   first activity where the partner has none
-- cert_share DOUBLE: valid certificates over what the tier asks for, at most 1
-- certs_expiring_90d DOUBLE: certificates that expire in the 90 days from s on
-- late_answer_share DOUBLE: share of the registrations due in 180 days that we answered late or not at all; 0 for none
-- lost_streak DOUBLE: deals lost since the last won one, at most 5
-- meetings_90d DOUBLE: meetings held in 90 days
-- fund_use_180d DOUBLE: fund requests and claims made in 180 days
-- psat_latest DOUBLE: mean PSAT answer of the latest wave in 180 days, 0 to 1; the programme's where missing
-- psat_missing DOUBLE: 1 where the partner gave no answer
-- cases_escalated_90d DOUBLE: escalated cases opened in 90 days
-- returned_partner DOUBLE: 1 where the partner came back after churn
-- tenure_0_2 DOUBLE: 1 where tenure is under 3 months
-- tenure_3_5 DOUBLE: 1 where it is 3 to 5 months
-- tenure_6_11 DOUBLE: 1 where it is 6 to 11 months
-- tenure_12_23 DOUBLE: 1 where it is 12 to 23 months
-- won_365d DOUBLE: won revenue in a revenue role in 365 days, for the size of the partner; known at s, not a feature
-- churned_on DATE: outcome, never a feature: day on which a partner of label 1 was lost: the end of its agreement, or last
--   commercial event + Q (M37, Q as known at s), whichever came first; null for the others
-- outcome_known_on DATE: outcome, never a feature: first snapshot whose night knew the label as it stands; before, a partner
--   that stayed passed for churned where the events that show it came late; null where not usable
-- note: labels are tonight's truth: business that was given to another partner since, or was not real, keeps nobody
-- note: a record counts where it is dated before s and was received by the end of s, because the night runs in the small
--   hours of s on the exports of that morning; records that come later change no earlier row
-- note: what an export changes in a record that it told before (the amount of a deal, the end of an agreement, the status of a
--   registration) is known only as it stands now; a new record, however late, changes no earlier row
-- note: trends are 0 in the first 180 days after the first commercial event, 90 to compare and 90 to compare them with: no
--   past is no fall
-- note: segment and family are today's; status, owner and today's tier are not used, they would tell an old row its future
WITH labels AS (
    SELECT label.*, snapshot.is_as_of
    FROM intermediate.int_churn_label AS label
    INNER JOIN intermediate.int_snapshot AS snapshot ON label.snapshot_on = snapshot.snapshot_on
),

-- An exited partner is in no stage, and the windows hold only partners in the programme.
engagement AS (
    SELECT
        engagement_window.*,
        CAST(sum(psat_score_sum) OVER (PARTITION BY snapshot_on) AS DOUBLE)
        / nullif(sum(psat_answers) OVER (PARTITION BY snapshot_on), 0) AS programme_psat
    FROM intermediate.int_engagement_window AS engagement_window
),

first_activity AS (
    SELECT min(from_on) AS first_seen_on FROM intermediate.int_active_people
),

measures AS (
    SELECT
        labels.*,
        rhythm.spell_no,
        rhythm.spell_started_on,
        rhythm.first_event_on,
        rhythm.days_since,
        rhythm.usual_gap_days,
        rhythm.events,
        CASE WHEN rhythm.events >= 3 THEN rhythm.median_gap_days END AS gap_days,
        datesub('month', rhythm.spell_started_on, labels.snapshot_on) AS tenure_months,
        -- Days of the year before the last 90 in which the partner can have done something.
        least(labels.snapshot_on - 90 - rhythm.first_event_on, 365) AS past_days,
        coalesce(commercial.won_90, 0) AS won_90,
        coalesce(commercial.won_365, 0) AS won_365,
        coalesce(commercial.won_year_before, 0) AS won_year_before,
        coalesce(commercial.activity_90, 0) AS activity_90,
        coalesce(commercial.activity_year_before, 0) AS activity_year_before,
        coalesce(commercial.answers_due_180, 0) AS answers_due_180,
        coalesce(commercial.answers_late_180, 0) AS answers_late_180,
        coalesce(open_deal.open_deals, 0) AS open_deals,
        coalesce(open_deal.open_amount, 0) AS open_amount,
        coalesce(open_deal.open_age_days, 0) AS open_age_days,
        coalesce(open_deal.lost_streak, 0) AS lost_streak,
        coalesce(engagement.people_active_30, 0) AS people_active_30,
        coalesce(engagement.people_months, 0) AS people_months,
        coalesce(engagement.people_active_year_before, 0) AS people_active_year_before,
        CASE WHEN first_activity.first_seen_on <= labels.snapshot_on
            THEN least(labels.snapshot_on - coalesce(engagement.last_active_on + 1, first_activity.first_seen_on), 365)
            ELSE 0
        END AS days_since_activity,
        coalesce(engagement.meetings_90, 0) AS meetings_90,
        coalesce(engagement.fund_requests_180, 0) AS fund_requests_180,
        coalesce(engagement.cases_escalated_90, 0) AS cases_escalated_90,
        coalesce(engagement.psat_answers, 0) AS psat_answers,
        engagement.psat_score_sum,
        engagement.programme_psat,
        coalesce(enablement.certificates_valid, 0) AS certificates_valid,
        coalesce(enablement.certificates_expiring_90, 0) AS certificates_expiring_90,
        coalesce(requirement.required_certifications, 1) AS certificates_required,
        enablement.tier_rank,
        segment_deal.median_amount
    FROM labels
    CROSS JOIN first_activity
    INNER JOIN intermediate.int_partner AS partner ON labels.partner_id = partner.partner_id
    INNER JOIN intermediate.int_partner_rhythm AS rhythm
        ON labels.partner_id = rhythm.partner_id AND labels.snapshot_on = rhythm.snapshot_on
    INNER JOIN intermediate.int_segment_deal AS segment_deal
        ON labels.snapshot_on = segment_deal.snapshot_on AND coalesce(partner.segment, '') = segment_deal.segment
    LEFT JOIN intermediate.int_commercial_window AS commercial
        ON labels.partner_id = commercial.partner_id AND labels.snapshot_on = commercial.snapshot_on
    LEFT JOIN intermediate.int_open_deal AS open_deal
        ON labels.partner_id = open_deal.partner_id AND labels.snapshot_on = open_deal.snapshot_on
    LEFT JOIN engagement ON labels.partner_id = engagement.partner_id AND labels.snapshot_on = engagement.snapshot_on
    LEFT JOIN intermediate.int_enablement_window AS enablement
        ON labels.partner_id = enablement.partner_id AND labels.snapshot_on = enablement.snapshot_on
    LEFT JOIN tier_requirement AS requirement ON enablement.tier_code = requirement.tier_code
),

ratios AS (
    SELECT
        *,
        CASE WHEN past_days >= 90 THEN 90.0 / past_days END AS quarters_per_past
    FROM measures
),

families AS (
    SELECT partner_id, ancestor_id AS family_id FROM intermediate.int_partner_family WHERE is_top
),

final AS (
    SELECT
        ratios.partner_id,
        ratios.snapshot_on,
        ratios.is_as_of,
        ratios.is_at_risk,
        ratios.is_usable,
        ratios.label,
        ratios.spell_no,
        coalesce(families.family_id, ratios.partner_id) AS family_id,
        partner.segment,
        CAST(ratios.tenure_months AS INTEGER) AS tenure_months,
        CAST(ratios.tier_rank AS DOUBLE) AS tier_rank,
        round(least(4, ratios.days_since / ratios.usual_gap_days), 8) AS recency_gaps,
        CAST(ratios.days_since AS DOUBLE) AS days_since_last_event,
        round(ratios.gap_days, 8) AS median_gap_days,
        CASE WHEN ratios.quarters_per_past IS NULL THEN 0.0 ELSE round(ln(
            (greatest(CAST(ratios.won_90 AS DOUBLE), 0) + ratios.median_amount)
            / (greatest(CAST(ratios.won_year_before AS DOUBLE), 0) * ratios.quarters_per_past + ratios.median_amount)
        ), 8) END AS revenue_trend,
        CASE WHEN ratios.quarters_per_past IS NULL THEN 0.0 ELSE round(ln(
            (ratios.activity_90 + 1) / (ratios.activity_year_before * ratios.quarters_per_past + 1)
        ), 8) END AS activity_trend,
        round(ln(1 + greatest(CAST(ratios.open_amount AS DOUBLE), 0)), 8) AS open_pipeline_log,
        CASE WHEN ratios.open_deals > 0
            THEN round(CAST(ratios.open_age_days AS DOUBLE) / ratios.open_deals, 8) ELSE 0.0
        END AS open_pipeline_age_days,
        CASE WHEN ratios.people_months > 0
            THEN round(ln(
                (ratios.people_active_30 + 1)
                / (CAST(ratios.people_active_year_before AS DOUBLE) / ratios.people_months + 1)
            ), 8)
            ELSE 0.0
        END AS people_trend,
        round(ln(1.0 + ratios.days_since_activity), 8) AS days_since_activity_log,
        CASE WHEN ratios.certificates_required > 0
            THEN round(least(1, CAST(ratios.certificates_valid AS DOUBLE) / ratios.certificates_required), 8) ELSE 1.0
        END AS cert_share,
        CAST(ratios.certificates_expiring_90 AS DOUBLE) AS certs_expiring_90d,
        CASE WHEN ratios.answers_due_180 > 0
            THEN round(CAST(ratios.answers_late_180 AS DOUBLE) / ratios.answers_due_180, 8) ELSE 0.0
        END AS late_answer_share,
        CAST(least(ratios.lost_streak, 5) AS DOUBLE) AS lost_streak,
        CAST(ratios.meetings_90 AS DOUBLE) AS meetings_90d,
        CAST(ratios.fund_requests_180 AS DOUBLE) AS fund_use_180d,
        round(CASE
            WHEN ratios.psat_answers > 0 THEN CAST(ratios.psat_score_sum AS DOUBLE) / ratios.psat_answers
            ELSE coalesce(ratios.programme_psat, 0.5)
        END, 8) AS psat_latest,
        CAST(CASE WHEN ratios.psat_answers > 0 THEN 0 ELSE 1 END AS DOUBLE) AS psat_missing,
        CAST(ratios.cases_escalated_90 AS DOUBLE) AS cases_escalated_90d,
        CAST(CASE WHEN ratios.spell_no > 1 THEN 1 ELSE 0 END AS DOUBLE) AS returned_partner,
        CAST(CASE WHEN ratios.tenure_months <= 2 THEN 1 ELSE 0 END AS DOUBLE) AS tenure_0_2,
        CAST(CASE WHEN ratios.tenure_months BETWEEN 3 AND 5 THEN 1 ELSE 0 END AS DOUBLE) AS tenure_3_5,
        CAST(CASE WHEN ratios.tenure_months BETWEEN 6 AND 11 THEN 1 ELSE 0 END AS DOUBLE) AS tenure_6_11,
        CAST(CASE WHEN ratios.tenure_months BETWEEN 12 AND 23 THEN 1 ELSE 0 END AS DOUBLE) AS tenure_12_23,
        CAST(ratios.won_365 AS DOUBLE) AS won_365d,
        ratios.churned_on,
        ratios.outcome_known_on
    FROM ratios
    INNER JOIN intermediate.int_partner AS partner ON ratios.partner_id = partner.partner_id
    LEFT JOIN families ON ratios.partner_id = families.partner_id
)

SELECT * FROM final
