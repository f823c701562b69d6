-- A guest is moved between two real hosts while somebody else works on it, and signals come at any moment: it is on one host in the end, what is
-- somebody else's stays, and what is said of the end is what is found.

local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local moving = require("spec.support.moving")
local recover = require("guestlua.workflow.recover")
local settle = require("guestlua.workflow.migrate.settle")

local workflow = guestlua.workflow

-- Each day another part of all that can happen; FOREIGN_ACTS=all: all; SIGNALS=100: so many signals; BOUNDS=1: all that stands still.
local PARTS, ALL = 13, os.getenv("FOREIGN_ACTS") == "all"
local DAY = os.time() // 86400
local TIMEOUT, LATER = 2, 60 -- seconds: the option, and how much later the script may go on
local SIGNALS = tonumber(os.getenv("SIGNALS") or 1)

local NUMBER = { HUP = 1, INT = 2, TERM = 15 }

local ACTS = { "snapshot", "metadata", "pivot", "abort", "detach", "destroy", "undefine", "rename", "blockresize", "restart", "gone", "suspend" }

-- Where a run is killed: the fault.
local KILLED = {
  "virDomainSetMetadata#1:kill:after", "virDomainMigrateToURI3#1:kill", "virDomainGetJobStats#1:kill", "virDomainGetJobStats#4:kill",
  "virDomainMigrateToURI3#1:kill:after",
}

-- What stands still (SIGSTOP) at which call.
local STILL = {
  { "the source's libvirtd", at = "virDomainMigrateToURI3#1" }, { "the source's libvirtd", at = "virDomainGetJobStats#4" },
  { "the destination's libvirtd", at = "virDomainMigrateToURI3#1" }, { "the destination's libvirtd", at = "virDomainGetJobStats#4" },
  { "QEMU", at = "virDomainMigrateToURI3#1" }, { "QEMU", at = "virDomainGetJobStats#4" },
  { "the source's libvirtd", at = "virDomainAbortJob#1", fault = "virDomainGetJobStats#4:internal_error" },
  { "QEMU", at = "virDomainAbortJob#1", fault = "virDomainGetJobStats#4:internal_error" },
}

-- The moments in a run.
local MOMENTS = { "write_file:after#1", "migrate:before", "get_job_info:after#4", "migrate:after" }

describe("live_migrate among others", function()
  local move, missing, others

  lazy_setup(function()
    move, missing = moving.up()
    if move then
      move:machine():sh("dd if=/dev/urandom of=/data/kept bs=64k count=8 2>/dev/null; sync; sha256sum </data/kept >/tmp/kept")
      move:keep()
      others = foreign.new(move:machine())
      others.sum = others.machine:sh("cut -c 1-64 /tmp/kept")
    end
  end)
  lazy_teardown(function()
    if others then
      others.machine.guest:close()
    end
    if move then
      getmetatable(move).__close(move)
    end
  end)
  helper.leaves_nothing(function()
    if move then
      guestlua.journal({ dir = move.journal })
    end
  end)

  local function on_both(what, fn)
    it(what, function()
      if not move then
        pending(missing)
      end
      move:reset()
      fn()
    end)
  end

  -- The guest as it is now, where it is active, for the checks.
  local function look_again()
    local last = others.machine.guest
    others.machine = move:machine()
    if others.machine.guest then
      last:close()
    else
      others.machine.guest = last
    end
  end

  -- Where an outcome says that the guest is; nil if it says nothing of that.
  local function is_said(outcome, here, there)
    if outcome:find("undone: the guest is on the source host", 1, true) then
      return here
    elseif outcome:find("finished: the guest is on", 1, true) then
      return there
    elseif outcome:find("the guest is off on both hosts", 1, true) then
      return "none"
    end
  end

  -- Raises what is not as it was said.
  local function check(how, here, there)
    local words = {}
    words.a, words.b = move:where():match("(%S+) (%S+)")
    local active = {}
    for name, word in pairs(words) do
      active[name] = word ~= "gone" and word ~= "shutoff"
    end
    if active.a and active.b then
      foreign.fail(how, "the guest is active on both hosts: %s", move:where())
    end
    local said = is_said(how.error and tostring(how.error.outcome) or "finished: the guest is on", here, there)
    if said and said ~= (active.a and "a" or active.b and "b" or "none") then
      foreign.fail(how, "said to be on %s, and found: %s", said, move:where())
    end
    look_again()
    others:check(how)
    for _, name in ipairs({ "a", "b" }) do
      local guest <close> = move.two[name]:guest(move.uuid)
      if guest and #recover.list() == 0 and guest:get_xml_desc({ dump_inactive = true }):find("urn:guestlua:run", 1, true) then
        foreign.fail(how, "the mark of a run that is over is in the configuration on %s", name)
      end
    end
  end

  local function verbose(...)
    if os.getenv("VERBOSE") then
      print(...)
    end
  end

  -- What is there before others' act.
  local function begin(moment, act)
    look_again()
    others.number = others.number + 1
    return { moment = moment, act = act, was = others.machine:chain(), before = others:files() }
  end

  local function act_now(how)
    look_again()
    how.code, how.said = others:act(foreign.ACTS[how.act])
  end

  local number = 0
  local function each_case(moments, fn)
    for _, moment in ipairs(moments) do
      for _, act in ipairs(ACTS) do
        number = number + 1
        if ALL or (number + DAY) % PARTS == 0 then
          fn(moment, act)
        end
      end
    end
  end

  each_case(KILLED, function(fault, act)
    on_both(("is recovered when it was killed at %s, and then: %s"):format(fault, act), function()
      local how = begin(fault, act)
      local _, here, there = move:find()
      local code, err = move:run("bandwidth = 4", "", fault)
      assert.equal(128 + 9, code, err)
      act_now(how)
      for path in pairs(others:files()) do
        how.before[path] = true
      end
      for _ = 1, 2 do -- the second time there is nothing to do
        local ok, results = pcall(guestlua.recover, move.two[here])
        results = ok and results or results.results
        local result = results[1] or {}
        how.error = { kind = result.error and result.error.kind or "recovered", message = result.error and result.error.message or "",
          outcome = result.outcome or "" }
        verbose(fault, act, how.code, how.said, how.error.kind, how.error.message, how.error.outcome, move:where())
        check(how, here, there)
      end
    end)
  end)

  each_case(MOMENTS, function(moment, act)
    on_both(("says what is found, at %s: %s"):format(moment, act), function()
      local how = begin(moment, act)
      local guest <close>, here, there = move:find()
      local during = others:during(moment, function() act_now(how) end, function()
        return workflow.live_migrate(guest, move.two[there], { destination_uri = move:uri(there), unsafe = true, bandwidth = 16 })
      end)
      assert.is_not_nil(how.code, "the moment did not come")
      how.error = during.error
      if during.ok then
        during.result.arrived:close()
      end
      for path in pairs(others:files()) do
        how.before[path] = true
      end
      local e = how.error or {}
      verbose(moment, act, how.code, how.said, e.kind, e.message, e.outcome, move:where())
      check(how, here, there)
    end)
  end)

  for i, row in ipairs(STILL) do
    if os.getenv("BOUNDS") or (i + DAY) % #STILL == 0 then
      on_both(("has its script go on in time if %s stands still at %s"):format(row[1], row.at), function()
        local name, times = row.at:match("^(.*)#(%d+)$")
        local shorter = move.settle
        move.settle = settle.SECONDS
        finally(function() move.settle = shorter end)
        local child <close>, here, there = move:start("bandwidth = 4, timeout = " .. TIMEOUT, "", { row.at .. ":hang=1", row.fault })
        helper.await(function() return child:has_called(name, tonumber(times)) end, row.at)
        local pid = move.two:process_of(row[1] == "the destination's libvirtd" and there or here, row[1] == "QEMU" and "qemu" or "libvirtd")
        local began = guestlua.now()
        assert(os.execute("kill -STOP " .. pid))
        local going <close> = setmetatable({}, { __close = function() os.execute("kill -CONT " .. pid) end })
        local code, _, err = child:wait()
        local seconds = guestlua.now() - began
        verbose(row[1], row.at, seconds, code, err)
        assert.is_true(seconds < TIMEOUT + LATER + 1, ("%s s: %s"):format(seconds, err)) -- and a second that the call hung on purpose
        assert.equal(1, code, err)
        os.execute("kill -CONT " .. pid)
        helper.await(function()
          move.two:answer("a") -- they have seen no sign of life either
          move.two:answer("b")
          return pcall(guestlua.recover, move.two[here]) and #recover.list() == 0
        end, err)
        local said = is_said(err:match("outcome: ([^\n]*)") or "", here, there)
        move:stays(said or move:where():find("^gone") and "b" or "a")
        assert.is_not_nil(said or err:find("not known", 1, true), err)
      end)
    end
  end

  -- A signal at a random moment of a run that takes some seconds.
  on_both("is undone or finished by a signal at any moment", function()
    math.randomseed(DAY)
    local function try(signal, delay)
      local child <close>, here, there = move:start("bandwidth = 8")
      local began = guestlua.now()
      if signal then
        guestlua.sleep(delay)
        child:kill(signal)
      end
      local code, _, err = child:wait()
      local where = ("SIG%s after %s s: %s: %s"):format(signal, delay, code, err)
      verbose(where)
      assert.is_true(code == 0 or signal and code == 128 + NUMBER[signal], where)
      local outcome = err:match("outcome: ([^\n]*)")
      local said = outcome and is_said(outcome, here, there)
      assert.is_true(outcome == nil or said ~= nil or outcome:find("every step was done", 1, true) ~= nil, where)
      local ok, e = pcall(move.stays, move, said or move:where():find("^gone") and "b" or "a")
      assert(ok, where .. tostring(e))
      assert.equal("", move:entries(), where)
      return guestlua.now() - began
    end
    local seconds = try()
    for _ = 1, SIGNALS do
      try(({ "INT", "TERM", "HUP" })[math.random(3)], math.random() * 1.1 * seconds)
    end
  end)
end)
