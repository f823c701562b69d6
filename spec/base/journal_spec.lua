-- The journal's directory as it may be found: entries that are damaged, of another version, machine or user, or no files at all. Each is named with
-- its reason and left; the good ones beside them are recovered; and nothing waits for ever.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local journal = require("guestlua.base.journal")
local json = require("dkjson")

local UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f" -- of the guest of test:///default
local quoted = helper.quoted

describe("The journal", function()
  local dir
  helper.leaves_nothing()

  before_each(function()
    dir = os.tmpname()
    assert(os.remove(dir))
    assert(os.execute("mkdir -m 700 " .. quoted(dir)))
    guestlua.journal({ dir = dir })
  end)
  after_each(function()
    os.execute("rm -rf " .. quoted(dir))
  end)

  local function sh(command, ...)
    assert(os.execute(("cd %s && %s"):format(quoted(dir), command:format(...))))
  end

  local function write(name, text)
    local file <close> = assert(io.open(("%s/%s"):format(dir, name), "w"))
    file:write(text)
    file:close()
    sh("chmod 600 '%s'", name)
  end

  it("may be gone when a change is over, and fails nothing that was done", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = host:guest("test")
    do
      local paused <close> = guest:paused() -- luacheck: ignore paused
      assert(os.execute("rm -r " .. quoted(dir)))
    end
    assert.equal("running", guest:get_info().domain_state)
  end)

  -- Calls fn with core.begin_write replaced by one whose result waits as `wait` does, which gets the real one.
  local function with_slow_disk(wait, fn)
    local begin_write = core.begin_write
    local back <close> = setmetatable({}, { __close = function() core.begin_write = begin_write end }) -- luacheck: ignore back
    core.begin_write = function(...)
      local writing = begin_write(...)
      return { wait = function() return wait(writing) end }
    end
    return fn()
  end

  -- What happened, in order, when the test driver's guest was suspended: the journal's writes, the looks at the guest, and the step's own call.
  local function suspend(happened)
    local host <close> = guestlua.open("test:///default")
    local guest <close> = host:guest("test")
    guestlua.log.configure({ level = "trace", handler = function(level, line)
      local call = level == "trace" and line:match("virDomain(%u%w+)")
      if call == "GetXMLDesc" or call == "ManagedSave" then
        happened[#happened + 1] = call
      end
    end })
    local ok, e = pcall(guestlua.workflow.suspend, guest)
    guestlua.log.configure({ level = "warning", file = "/dev/stderr" })
    return ok, e
  end

  it("is written while the guest is looked at, and the step begins when both are over", function()
    local happened = {}
    assert.is_true(with_slow_disk(function(writing)
      happened[#happened + 1] = "waits"
      guestlua.sleep(0.01)
      writing:wait()
      happened[#happened + 1] = "written"
    end, function()
      return suspend(happened)
    end))
    local text = table.concat(happened, " ")
    assert.matches("GetXMLDesc waits written ManagedSave", text)
    assert.same({}, journal.entries())
  end)

  it("fails the step that it cannot be written for, before that begins", function()
    local happened = {}
    local ok, e = with_slow_disk(function(writing)
      writing:wait()
      error(core.Error.new({ kind = "no_space", message = "the disk is full" }), 0)
    end, function()
      return suspend(happened)
    end)
    assert.same({ false, "no_space" }, { ok, e.kind })
    assert.is_nil(table.concat(happened, " "):find("ManagedSave"))
    assert.same({}, journal.entries())
  end)

  it("is over, however the scope ends that it is written in", function()
    local entry = journal.begin("one", "paused", { uuid = UUID, name = "test", host = { uri = "test:///default" } }, "one.lock")
    local path = dir .. "/one.json"
    entry:begin({ step = "a" })
    entry:begin({ step = "b" }) -- in this order
    entry:settle()
    assert.equal("b", json.decode(core.read_file(path, 1 << 20)).step)
    local task = guestlua.spawn(function()
      local closed <close> = entry:begin({ step = "c" }) or entry -- luacheck: ignore closed
      guestlua.sleep(60)
    end)
    guestlua.sleep(0)
    task:cancel()
    assert.equal("cancelled", helper.failure(task.wait, task).kind)
    assert.equal("c", json.decode(core.read_file(path, 1 << 20)).step)
    entry:begin({ step = "d" })
    entry:remove()
    assert.is_nil((core.read_file(path, 1 << 20)))
    sh("chmod 700 . && rmdir %s", quoted(dir))
    entry:begin({ step = "e" })
    assert.equal("system_error", helper.failure(entry.settle, entry).kind)
    entry:settle() -- once
  end)

  it("is whole if the script ends while it is written", function()
    local code, _, err = helper.guestlua(("-e %s"):format(quoted(([[
      local core = require("guestlua.core")
      core.begin_write("%s/x.json", ("x"):rep(1 << 20))
    ]]):format(dir))))
    assert.equal(0, code, err)
    assert.equal(1 << 20, #core.read_file(dir .. "/x.json", 1 << 21))
  end)

  -- What a killed guard has left, with other fields.
  local function entry(id, fields)
    local all = {
      format = 2, id = id, workflow = "paused", step = "paused", uuid = UUID, guest = "test", host = "test:///default", data = { id = 1 },
      machine = journal.machine(), process = "1", since = "2026-01-01T00:00:00Z", lock = id .. ".lock",
    }
    for key, value in pairs(fields or {}) do
      all[key] = value
    end
    return json.encode(all)
  end

  local function plant(id, fields)
    write(id .. ".json", entry(id, fields))
  end

  it("has its entries in the order in which they were made, although the clock was set back", function()
    local before = { name = "host", id = journal.machine().id, boot = "another" }
    plant("5", { since = "2026-01-01T10:00:00Z", clock = 30 })
    plant("4", { since = "2026-01-01T12:00:00Z", clock = 20 })
    plant("3", { since = "2026-01-01T11:00:00Z", clock = 10.5 })
    plant("2", { since = "2026-01-02T00:00:00Z", clock = 3, machine = before })
    plant("1", { since = "2026-01-01T11:30:00Z", clock = 90, machine = before })
    local ids = {}
    for i, found in ipairs(journal.entries()) do
      ids[i] = found.id
    end
    assert.equal("1 2 3 4 5", table.concat(ids, " "))
  end)

  -- guestlua with a journal in that directory: its exit code, and what it printed.
  local function command(arguments)
    return helper.guestlua(("-c test:///default recover --journal %s %s"):format(quoted(dir), arguments or ""))
  end

  local function by_id(results)
    local found = {}
    for _, result in ipairs(results) do
      found[result.id] = result
    end
    return found
  end

  -- What there may be beside a good entry: how it comes to be, and the reason that is said. guest: whether its guest can be read.
  local function plant_all()
    local is_root = core.user() == 0
    local rows = {
      damaged = { make = function() write("damaged.json", entry("damaged"):sub(1, 60)) end, why = "damaged" },
      more = { make = function() write("more.json", entry("more") .. "{}") end, why = "damaged" },
      empty = { make = function() write("empty.json", "") end, why = "damaged" },
      list = { make = function() write("list.json", "[1, 2]") end, why = "damaged: format" },
      text = { make = function() write("text.json", '"text"') end, why = "damaged" },
      newer = { make = function() plant("newer", { format = 3 }) end, why = "newer version %(format 3%)" },
      older = { make = function() plant("older", { format = 1 }) end, why = "older version" },
      machine = { make = function() plant("machine", { machine = { name = "far", id = "1", boot = "2" } }) end, why = "machine 'far'" },
      user = { make = function() plant("user") sh("chown nobody user.json") end, why = "another user", needs_root = true },
      writable = { make = function() plant("writable") sh("chmod g+w writable.json") end, why = "other users can write" },
      fifo = { make = function() sh("mkfifo -m 600 fifo.json") end, why = "no regular file" },
      directory = { make = function() sh("mkdir directory.json") end, why = "no regular file" },
      link = { make = function() write("target", entry("link")) sh("ln -s target link.json") end, why = "symbolic link" },
      dangling = { make = function() sh("ln -s nothing dangling.json") end, why = "symbolic link" },
      large = { make = function() sh("truncate -s 200M large.json && chmod 600 large.json") end, why = "more than %d+ bytes" },
      deep = { make = function() write("deep.json", ("["):rep(200000) .. ("]"):rep(200000)) end, why = "damaged" },
      renamed = { make = function() write("renamed.json", entry("other")) end, why = "damaged: id" },
      lock_above = { make = function() plant("lock_above", { lock = ".." }) end, why = "damaged: lock" },
      lock_elsewhere = { make = function() plant("lock_elsewhere", { lock = "../../etc/x.lock" }) end, why = "damaged: lock" },
      uuid_name = { make = function() plant("uuid_name", { uuid = "dead" }) end, why = "damaged: uuid" }, -- a guest could be called so
      uuid_above = { make = function() plant("uuid_above", { uuid = "../../" .. dir .. "/made" }) end, why = "damaged: uuid" },
    }
    for field in pairs(json.decode(entry("x"))) do
      local id = "odd_" .. field
      rows[id] = { make = function() plant(id, { [field] = field == "machine" and 5 or { 5 } }) end, why = "damaged: " .. field }
    end
    rows.odd_data.make = function() plant("odd_data", { data = "text" }) end
    for id, row in pairs(rows) do
      if row.needs_root and not is_root then
        rows[id] = nil
      else
        row.make()
      end
    end
    return rows
  end

  it("has what cannot be worked on named and left, and the good entries beside it recovered", function()
    local rows = plant_all()
    plant("good")
    local host <close> = guestlua.open("test:///default")
    local guest = host:guest("test")
    guest:pause()
    local results = by_id(guestlua.recover(host))
    assert.equal("the guest runs again", results.good.outcome)
    assert.equal(guestlua.power_state.RUNNING, guest:get_power_state())
    for id, row in pairs(rows) do
      assert.is_truthy(results[id], id)
      assert.matches(row.why, tostring(results[id].problem), id)
      assert.is_truthy(core.find_image(("%s/%s.json"):format(dir, id)), id)
    end
    assert.is_nil(core.find_image(dir .. "/good.json"))
    local listed = by_id(require("guestlua.workflow.recover").list())
    for id, row in pairs(rows) do
      assert.matches(row.why, listed[id].why, id)
    end
    assert.is_nil(listed.good)
  end)

  it("is listed, recovered and forgotten from the command line, and the exit code says whether anything is left", function()
    assert.same({ 0, "", "" }, { command("--list") })
    assert.same({ 0, "", "" }, { command() })
    plant("good")
    local code, out, err = command("--list")
    assert.same({ 1, "" }, { code, err })
    assert.matches("^good  dead  paused test paused 2026%-01%-01T00:00:00Z\n$", out)
    for _, form in ipairs({ "test", UUID }) do
      assert.matches("^good ", select(2, command("--list --guest " .. form)))
    end
    assert.same({ 0, "", "" }, { command("--list --guest other") })
    assert.same({ 0, "", "guestlua recover: there is neither a guest 'other' nor a run of one\n" }, { command("--guest other") })
    code, out, err = command("--guest test")
    assert.same({ 0, "paused test: the guest is not paused\n", "" }, { code, out, err })
    assert.same({ 0, "", "" }, { command("--list") })
    local rows = plant_all()
    plant("good")
    code, out, err = command()
    assert.equal(1, code)
    assert.equal("paused test: the guest is not paused\n", out)
    for id, row in pairs(rows) do
      assert.matches(" %(" .. id .. "%): [^\n]*" .. row.why, err, id)
    end
    assert.equal(1, (command("--list")))
    for _, id in ipairs({ "damaged", "fifo", "link", "large", "odd_uuid", "directory" }) do
      code, out, err = command("--forget " .. id)
      if id == "directory" then -- a directory is nobody's entry
        assert.equal(1, code)
        assert.matches("^guestlua recover: .*directory", err)
        assert.not_matches("traceback", err)
      else
        assert.same({ 0, "", "" }, { code, out, err }, id)
        assert.is_nil(core.find_image(("%s/%s.json"):format(dir, id)))
      end
    end
    sh("rm -rf *")
    assert.equal(1, (command("--forget good")))
    assert.equal(1, (command("--forget ../good")))
    for _, wrong in ipairs({ "--nonsense", "--forget", "--list=5" }) do
      code, out, err = command(wrong)
      assert.same({ 2, "" }, { code, out }, wrong)
      assert.matches("Try 'guestlua recover %-%-help'%.\n$", err)
    end
    assert.matches("^usage: ", select(2, command("--help")))
  end)

  it("has an entry of a run that goes on left alone, and not forgotten", function()
    plant("good")
    local lock = assert(core.lock(dir .. "/good.lock"))
    assert.equal(0, (command()))
    local code, out = command("--list")
    assert.equal(0, code)
    assert.matches("^good  alive ", out)
    local forgotten, _, err = command("--forget good")
    assert.equal(1, forgotten)
    assert.matches("good goes on", err)
    lock:release()
    assert.equal("paused test: the guest is not paused\n", select(2, command()))
  end)

  it("gives an Error for an entry that its workflow does not understand", function()
    plant("odd", { workflow = "live_snapshot", step = "copy", data = {} })
    local host <close> = guestlua.open("test:///default")
    local e = helper.failure(guestlua.recover, host)
    assert.same({ "script", "script" }, { e.kind, e.results[1].error.kind })
    assert.matches("nil value", e.results[1].error.message)
  end)

  it("has an entry that cannot be settled set aside, raised once and tried again, and the others go on", function()
    plant("a_first", { workflow = "nonsense" })
    plant("b_odd", { workflow = "attached", data = { device = 5 } })
    plant("c_good")
    local host <close> = guestlua.open("test:///default")
    local e = helper.failure(guestlua.recover, host)
    local results = by_id(e.results)
    assert.matches("no workflow is called 'nonsense'", results.a_first.error.message)
    assert.equal("the guest is not paused", results.c_good.outcome)
    assert.is_truthy(results.b_odd.error)
    local listed = by_id(require("guestlua.workflow.recover").list())
    assert.same({ "set aside", "set aside" }, { listed.a_first.state, listed.b_odd.state })
    assert.matches("no workflow is called", listed.a_first.why)
    results = by_id(guestlua.recover(host)) -- tried again, and not raised again
    assert.matches("no workflow is called", results.a_first.error.message)
    local code, out, err = command()
    assert.same({ 1, "" }, { code, out })
    assert.matches("nonsense test %(a_first%): no workflow is called", err)
    plant("a_first", { set_aside = "it was not settled" }) -- now it can be
    assert.equal("the guest is not paused", by_id(guestlua.recover(host)).a_first.outcome)
    assert.equal(0, (command("--forget b_odd")))
    assert.equal(0, (command("--list")))
  end)

  it("is not read, nor written, in a directory that others can write to", function()
    plant("good")
    local host <close> = guestlua.open("test:///default")
    local guest = host:guest("test")
    local function refuses(why)
      assert.same("access_denied", helper.failure(guestlua.recover, host).kind)
      local e = helper.failure(function()
        local paused <close> = guest:paused()
      end)
      assert.equal("access_denied", e.kind)
      assert.matches(why, e.message)
      assert.equal(guestlua.power_state.RUNNING, guest:get_power_state())
      for _, arguments in ipairs({ "", "--list", "--forget good" }) do
        local code, out, err = command(arguments)
        assert.same({ 1, "" }, { code, out }, arguments)
        assert.matches("^guestlua[^\n]*" .. why, err)
        assert.not_matches("traceback", err)
      end
    end
    sh("chmod g+w .")
    refuses("other users can write to it")
    sh("chmod g-w .")
    if core.user() == 0 then
      sh("chown nobody .")
      refuses("it belongs to another user")
      sh("chown root .")
    end
    assert.equal("the guest is not paused", guestlua.recover(host)[1].outcome)
    sh("cd / && rmdir %s && touch %s", dir, dir)
    refuses("it is no directory")
  end)

  it("is swept of locks that nobody holds, whatever they are", function()
    write("gone.lock", "")
    sh("mkfifo -m 600 fifo.lock; mkdir directory.lock; ln -s nothing link.lock")
    plant("good")
    local host <close> = guestlua.open("test:///default")
    assert.equal("the guest is not paused", guestlua.recover(host)[1].outcome)
    assert.is_nil(core.find_image(dir .. "/gone.lock"))
  end)
end)
