-- deal_stage_known: every deal's stage is known to be open, won or lost; those listed count as open.
-- severity: warning
-- table: canonical.opportunity
-- next: map these words of stage_raw as open, won or lost in the source's mapping
-- note: neither the deal itself says so, nor a list of stages, nor the stage's name
SELECT opportunity_id, pipeline, stage_raw, _source AS source_name, _file AS source_file, _row AS source_row
FROM canonical.opportunity
WHERE stage_class = 'unknown' AND NOT _deleted
