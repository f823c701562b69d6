-- A live_migrate was killed, and somebody else began a job on its guest: a backup, or a migration of his own. recover took it for what the killed run
-- had left, and ended it.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local journal = require("guestlua.base.journal")
local moving = require("spec.support.moving")
local recover = require("guestlua.workflow.recover")
local settle = require("guestlua.workflow.migrate.settle")

describe("A job that came after a killed live_migrate", function()
  local move, missing

  lazy_setup(function()
    move, missing = moving.up()
    if move then
      move:keep()
      settle.SECONDS = move.settle
    end
  end)
  lazy_teardown(function()
    settle.SECONDS = 20
    if move then
      getmetatable(move).__close(move)
    end
  end)
  helper.leaves_nothing(function()
    if move then
      guestlua.journal({ dir = move.journal })
    end
  end)

  local function after_kill(what, fault, fn)
    it(what, function()
      if not move then
        pending(missing)
        return
      end
      move:reset()
      local code, err, here, there = move:run("bandwidth = 4", "", fault)
      assert.equal(128 + 9, code, err)
      local guest <close> = move.two[here]:guest(move.uuid, { required = true })
      fn(guest, here, there)
    end)
  end

  local function virsh(host, command, ...)
    return helper.sh("virsh -q -c '%s' " .. command, move.two[host].uri, ...)
  end

  after_kill("goes on if it is a backup", "virDomainMigrateToURI3#1:kill", function(guest, here)
    guest:backup_begin(("<domainbackup mode='pull'><server transport='unix' socket='%s/nbd'/></domainbackup>"):format(move.two.dir))
    assert.equal("undone: the guest is on the source host, as before", guestlua.recover(move.two[here])[1].outcome)
    assert.is_not_nil(guest:get_backup_xml())
    assert.same({}, guestlua.recover(move.two[here]))
    guest:abort_job()
  end)

  after_kill("goes on if it is a migration", "virDomainMigrateToURI3#1:kill", function(guest, here, there)
    local asked = journal.entries()[1].fields.data.began
    helper.await(function() return guestlua.now() > asked + 3 end, "a moment at which the run's own had begun")
    helper.sh("virsh -q -c '%s' migrate shared %s --live --p2p --unsafe --persistent --undefinesource --bandwidth 1 >%s/theirs 2>&1 &",
      move.two[here].uri, move:uri(there), move.two.dir)
    helper.await(function() return guest:get_job_info().operation == "migration_out" end, "a migration")
    local e = helper.failure(guestlua.recover, move.two[here])
    assert.equal("job_unknown", e.kind)
    assert.matches("with the job migration_out, which is not known to be the run's", e.message)
    assert.equal("set aside", recover.list()[1].state)
    assert.equal("migration_out", guest:get_job_info().operation)
    virsh(here, "migrate-setspeed shared 1000")
    helper.await(function() return select(2, pcall(move.where, move)) == (here == "a" and "gone running" or "running gone") end, "its end")
    assert.matches("^finished: the guest is on ", guestlua.recover(move.two[here])[1].outcome)
    move:stays(there)
  end)

  after_kill("is ended if it is the run's own", "virDomainGetJobStats#4:kill", function(_, here)
    assert.equal("undone: the guest is on the source host, as before", guestlua.recover(move.two[here])[1].outcome)
    move:stays(here)
  end)
end)
