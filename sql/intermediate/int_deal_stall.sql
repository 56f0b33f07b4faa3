-- int_deal_stall: open deals that have been in their stage longer than most and have not moved.
-- grain: open deal that stalls
-- key: deal_id
-- deal_id VARCHAR: native key of the deal
-- stage VARCHAR: stage as the source names it
-- entered_on DATE: local day on which the stage was entered; creation where no change is recorded
-- days_in_stage BIGINT: days since
-- limit_days DOUBLE: local days within which three of four deals leave the stage; 60 until 20 have left it
-- stays BIGINT: completed stays behind the limit
-- last_progress_on DATE: last stage change, activity as the source states it, or meeting held on the deal
-- days_quiet BIGINT: days since
-- note: M44 for deals: in the stage longer than the limit, and no progress for more than 30 days
WITH events AS (
    SELECT
        event.opportunity_id AS deal_id,
        event.to_stage AS stage,
        event.stage_class,
        deal.pipeline,
        event.changed_at,
        CAST(((event.changed_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS changed_on,
        event.seq,
        lag(event.to_stage) OVER (PARTITION BY event.opportunity_id ORDER BY event.changed_at, event.seq) AS stage_before
    FROM canonical.opportunity_stage_event AS event
    INNER JOIN canonical.opportunity AS deal ON event.opportunity_id = deal.opportunity_id
    CROSS JOIN run_settings AS s
    WHERE NOT event._deleted AND event.changed_at < s.as_of_end
),

-- Sources write a row for a new amount or closing date as well: the deal is still in its stage.
changes AS (
    SELECT
        deal_id,
        stage,
        stage_class,
        pipeline,
        changed_at,
        changed_on,
        lead(changed_on) OVER (PARTITION BY deal_id ORDER BY changed_at, seq) AS left_on
    FROM events
    WHERE stage IS DISTINCT FROM stage_before
),

limits AS (
    SELECT
        pipeline,
        stage,
        count(*) AS stays,
        quantile_cont(left_on - changed_on, 0.75) AS p75_days
    FROM changes
    WHERE left_on IS NOT NULL AND stage_class = 'open'
    GROUP BY pipeline, stage
),

meetings AS (
    SELECT opportunity_id AS deal_id, max(coalesce(started_at, scheduled_at)) AS last_at
    FROM canonical.activity
    CROSS JOIN run_settings AS s
    WHERE NOT _deleted AND status = 'held' AND coalesce(started_at, scheduled_at) < s.as_of_end
    GROUP BY opportunity_id
),

entries AS (
    SELECT deal_id, stage, max(changed_at) AS entered_at
    FROM changes
    WHERE left_on IS NULL
    GROUP BY deal_id, stage
),

open_deals AS (
    SELECT
        deal.deal_id,
        deal.stage,
        exported.pipeline,
        coalesce(entries.entered_at, deal.created_at) AS entered_at,
        greatest(
            deal.created_at,
            entries.entered_at,
            CASE WHEN exported.last_activity_at < s.as_of_end THEN exported.last_activity_at END,
            meetings.last_at
        ) AS progressed_at,
        s.as_of,
        s.timezone
    FROM intermediate.int_deal AS deal
    INNER JOIN canonical.opportunity AS exported ON deal.deal_id = exported.opportunity_id
    CROSS JOIN run_settings AS s
    LEFT JOIN entries ON deal.deal_id = entries.deal_id AND deal.stage = entries.stage
    LEFT JOIN meetings ON deal.deal_id = meetings.deal_id
    WHERE deal.outcome = 'open' AND NOT deal.is_excluded
),

aged AS (
    SELECT
        open_deals.deal_id,
        open_deals.stage,
        CAST(((open_deals.entered_at AT TIME ZONE 'UTC') AT TIME ZONE open_deals.timezone) AS DATE) AS entered_on,
        CAST(((open_deals.progressed_at AT TIME ZONE 'UTC') AT TIME ZONE open_deals.timezone) AS DATE) AS last_progress_on,
        open_deals.as_of,
        coalesce(limits.stays, 0) AS stays,
        CASE WHEN limits.stays >= 20 THEN limits.p75_days ELSE 60 END AS limit_days
    FROM open_deals
    LEFT JOIN limits
        ON open_deals.stage = limits.stage AND open_deals.pipeline IS NOT DISTINCT FROM limits.pipeline
),

final AS (
    SELECT
        deal_id,
        stage,
        entered_on,
        as_of - entered_on AS days_in_stage,
        CAST(limit_days AS DOUBLE) AS limit_days,
        stays,
        last_progress_on,
        as_of - last_progress_on AS days_quiet
    FROM aged
    WHERE as_of - entered_on > limit_days AND as_of - last_progress_on > 30
)

SELECT * FROM final
