-- How many tokens a kept answer has with all that it follows: who goes on from it pays for them again. NULL where that
-- was not noted.
ALTER TABLE tenantry_model_answer ADD COLUMN tokens BIGINT;
