-- int_stage_stall: whether each enrolled partner was stuck in its lifecycle stage, for tonight and the 28 nights before (M44).
-- grain: enrolled partner x night
-- key: partner_id, snapshot_on
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot of the night
-- stage VARCHAR: lifecycle stage
-- stage_entered_on DATE: day on which the stage was entered; null where unknown
-- last_progress_on DATE: last day with progress that counts in the stage; null for none
-- stay_days INTEGER: days in the stage; in grow, which no stage follows, days since the last progress
-- idle_days INTEGER: days since the last progress in the stage, or since it was entered
-- limit_days INTEGER: days after which a stay is long
-- basis VARCHAR: segment, programme or fallback: where the limit comes from
-- is_stalled BOOLEAN: longer in the stage than the limit, and no progress for 30 days
-- note: a partner that churned is gone and not stuck
WITH nights AS (
    SELECT stage_at.*, snapshot.night_on
    FROM intermediate.int_partner_stage_at AS stage_at
    INNER JOIN intermediate.int_snapshot AS snapshot ON stage_at.snapshot_on = snapshot.snapshot_on
    WHERE snapshot.is_night AND (stage_at.is_enrolled OR stage_at.stage = 'recruit')
),

stays AS (
    SELECT
        nights.partner_id,
        nights.snapshot_on,
        nights.night_on,
        nights.stage,
        nights.stage_entered_on,
        -- What happened before the stage was entered is no progress in it.
        CASE
            WHEN progress.progress_on >= nights.stage_entered_on OR nights.stage_entered_on IS NULL
                THEN progress.progress_on
        END AS last_progress_on,
        stage_limit.limit_days,
        stage_limit.basis,
        coalesce(rhythm.is_ended, FALSE) AS is_churned
    FROM nights
    INNER JOIN intermediate.int_stage_limit AS stage_limit
        ON coalesce(nights.segment, '') = stage_limit.segment AND nights.stage = stage_limit.stage
    ASOF LEFT JOIN intermediate.int_stage_progress AS progress
        ON
            nights.partner_id = progress.partner_id
            AND nights.stage = progress.stage
            AND nights.snapshot_on > progress.progress_on
    LEFT JOIN intermediate.int_partner_rhythm AS rhythm
        ON nights.partner_id = rhythm.partner_id AND nights.snapshot_on = rhythm.snapshot_on
),

lengths AS (
    SELECT
        *,
        night_on - coalesce(last_progress_on, stage_entered_on) AS idle_days,
        night_on - CASE
            WHEN stage = 'grow' THEN coalesce(last_progress_on, stage_entered_on)
            ELSE stage_entered_on
        END AS stay_days
    FROM stays
),

final AS (
    SELECT
        partner_id,
        snapshot_on,
        stage,
        stage_entered_on,
        last_progress_on,
        CAST(stay_days AS INTEGER) AS stay_days,
        CAST(idle_days AS INTEGER) AS idle_days,
        limit_days,
        basis,
        coalesce(stay_days > limit_days AND idle_days >= 30 AND NOT is_churned, FALSE) AS is_stalled
    FROM lengths
)

SELECT * FROM final
