-- Whether a run's freeze of its guest's file systems may still last. Nobody but the run ends that, and it ends nobody else's.

local claim = require("guestlua.workflow.claim")
local core = require("guestlua.core")
local freeze = require("guestlua.guest.freeze")

local freezing = {}

-- The run is about to freeze the file systems. Raises if the agent does not answer, or if somebody else has frozen them by now.
function freezing.begin(run)
  freeze.check_agent(run.guest)
  run.freezing = true
end

-- They are thawed: what is frozen from now on is somebody else's. The next record of the run has it.
function freezing.over(run)
  run.freezing, run.data.thawed = false, true
end

-- The same, recorded at once, because the next record is far away.
function freezing.record_over(run)
  freezing.over(run)
  core.shield(run.record, run, run.at)
end

-- Whether file systems that the run froze may still be frozen: not if the guest was restarted since.
function freezing.may_last(run)
  if run.data.thawed or not run.recovering and not run.freezing then
    return false
  end
  if run.recovering or run.claim and run.claim.marked then
    return claim.is_same_instance(run.guest, run.id)
  end
  return run.guest:is_active()
end

return freezing
