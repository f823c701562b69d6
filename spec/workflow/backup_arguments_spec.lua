-- What a backup, a restore, a verify and a prune refuse before they look at the guest, and manifests that are no backups.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local stores = require("guestlua.backup.store")
local json = require("guestlua.base.json")("backup", "a spec")

local workflow = guestlua.workflow

describe("Arguments of backups", function()
  local host, dir

  lazy_setup(function()
    host = guestlua.open("test:///default")
    dir = helper.scratch()
  end)

  lazy_teardown(function()
    host:close()
  end)

  -- Fails with "bad argument" for that one.
  local function refused(what, argument, fn, ...)
    local e = helper.failure(fn, ...)
    assert.is_true(core.Error.is(e, "bad_argument"), what .. ": " .. tostring(e))
    assert.matches("'" .. argument, tostring(e), 1, true)
  end

  it("that are wrong, or say two things at once, are refused", function()
    local guest <close> = host:guest("test")
    for what, options in pairs({
      to = {}, ["to "] = { to = "" }, ["to  "] = { to = "here" }, ["to   "] = { to = dir .. "/a\nb" },
      level = { level = "ful" }, ["level "] = { level = 3 },
      disks = { disks = {} }, ["disks "] = { disks = { "vda", "vda" } }, ["disks  "] = { disks = "vda" },
      exclude = { disks = { "vda" }, exclude = { "vda" } },
      keep = { keep = {} }, ["keep "] = { keep = { full = 1, daily = 1 } }, ["keep.full"] = { keep = { full = 0 } },
      ["keep  "] = { keep = { increments = 3, daily = 1 } }, freeze_timeout = { freeze_timeout = 5, quiesce = false },
      bandwidth = { bandwidth = 0 }, ["bandwidth "] = { bandwidth = -1 }, ["bandwidth  "] = { bandwidth = math.maxinteger },
      per_target = { per_target = 0 }, per_host = { per_host = -1 },
      scratch = { scratch = "here" }, ["scratch "] = { scratch = "/a\tb" }, ["scratch  "] = { scratch = dir .. "/none" },
      compress = { compress = "gzip" }, unlock_time = { unlock_time = 5 }, manifest = { manifest = dir }, none = { none = true },
    }) do
      options.to = options.to or what ~= "to" and dir .. "/to" or nil
      refused(what, (what:gsub(" ", "")), workflow.backup, guest, options)
    end
    assert.is_nil(core.identify(dir .. "/to"))
    refused("restore", "from", workflow.restore, host, {})
    refused("restore", "from", workflow.restore, host, { from = "" })
    refused("restore", "name", workflow.restore, host, { from = dir, name = "" })
    refused("restore", "name", workflow.restore, host, { from = dir, name = "a/b" })
    refused("restore", "name", workflow.restore, host, { from = dir, name = "a\xff" })
    refused("restore", "at", workflow.restore, host, { from = dir, at = "yesterday" })
    refused("prune", "keep", workflow.prune, host, dir, { keep = {} })
    refused("prune", "keep", workflow.prune, host, dir, { keep = { increments = 3, weekly = 1 } })
    refused("live_snapshot", "freeze_timeout", workflow.live_snapshot, guest, "vda", dir .. "/out", { freeze_timeout = 5 })
    refused("prune", "directory", workflow.prune, host, "", { keep = { full = 1 } })
    for _, at in ipairs({ "yesterday", "2026-01-02 14:00", "2026-01-02T14:00:00+02:00", "2026-01-02T14", "2026-01-02Z", "2026-01-02T14:00:00.5Z",
      "2026-01-02T", "2026-01" }) do
      refused("verify", "at", workflow.verify, dir, { at = at })
    end
    refused("verify", "at", workflow.verify, dir, { at = "2026-01-01", all = true })
  end)

  it("of the commands are answered before a connection is opened", function()
    local nowhere = " --connect=test:///no/such/file "
    assert.same({ 1, "", "guestlua restore: there is no backup in " .. dir .. "\n" }, { helper.guestlua("restore" .. nowhere .. dir) })
    local code, _, err = helper.guestlua("prune --keep=x" .. nowhere .. dir)
    assert.equal(2, code)
    assert.matches("no such key 'x'; there are: full, increments, daily, weekly, monthly", err, 1, true)
    code, _, err = helper.guestlua("backup --keep=full=0 --to=" .. dir .. nowhere .. "web1")
    assert.equal(2, code)
    assert.matches("keep.full", err, 1, true)
    for _, words in ipairs({ "prune --keep=full=1", "prune --keep=full=1 .", "backups", "verify", "restore", "backup --to=" .. dir, "console",
      "backups --" }) do
      code, _, err = helper.guestlua(words .. nowhere .. "''")
      assert.equal(2, code, words)
      assert.matches("an operand is empty", err, 1, true)
    end
    for words, found in pairs({ ["verify --boot --run= " .. dir] = "--run=COMMAND expected", ["top --once --delay=1e999"] = "got '1e999'",
      ["metrics --file="] = "a plain file expected, got ''" }) do
      code, _, err = helper.guestlua(words .. nowhere)
      assert.equal(2, code, words)
      assert.matches(found, err, 1, true)
    end
    assert.same({ 1, "", "guestlua recover: the journal has no entry x; guestlua recover --list shows those it has\n" },
      { helper.guestlua("recover --forget=x --journal=" .. dir .. "/journal" .. nowhere) })
  end)

  -- ---- manifests ----

  local SUM = ("0"):rep(64)

  local function id_of(day)
    return ("2026010%d-000000-00000001"):format(day)
  end

  local function write(day, edit)
    local id = id_of(day)
    local one = { format = 1, id = id, number = day, time = ("2026-01-0%dT00:00:00Z"):format(day), left_out = {},
      files = { { name = id .. ".xml", what = "domain", sha256 = SUM } },
      guest = { name = "g", uuid = "11111111-2222-4333-8444-555555555555" },
      disks = { { target = "vda", size = 1 << 20, source = "/x", image_sha256 = SUM,
        chain = { { file = id .. ".vda.qcow2", sums = id .. ".vda.sums", sha256 = SUM } } } } }
    local text = edit and edit(one) or json.encode(one)
    local file <close> = assert(io.open(("%s/%s.json"):format(dir, id), "w"))
    file:write(text)
  end

  local DAMAGES = {
    newer = function(one) one.format = 2 end,
    truncated = function(one) return json.encode(one):sub(1, 40) end,
    empty = function() return "" end,
    up = function(one) one.disks[1].chain[1].file = "../x.qcow2" end,
    absolute = function(one) one.disks[1].chain[1].file = "/etc/passwd" end,
    target = function(one) one.disks[1].target = "../x" end,
    twice = function(one) one.disks[2] = one.disks[1] end,
    map = function(one) one.disks = { vda = one.disks[1] } end,
    nothing = function(one) one.disks = {} end,
    source = function(one) one.disks[1].source = {} end,
    time = function(one) one.time = "then" end,
    bytes = function(one) one.disks[1].bytes = "x" end,
    level = function(one) one.disks[1].level_used = {} end,
    consistency = function(one) one.consistency = {} end,
    checkpoint = function(one) one.checkpoint = 5 end,
    ["another's checkpoint"] = function(one) one.checkpoint = "theirs" end,
    ["left out"] = function(one) one.left_out = { "vdb" } end,
    lock = function(one) one.disks[1].chain[1].file = "lock" end,
    manifest = function(one) one.disks[1].chain[1].file = id_of(1) .. ".json" end,
    sums = function(one) one.disks[1].chain[1].sums = id_of(1) .. ".vda.qcow2" end,
    configuration = function(one) one.files[1].what = "nvram" end, -- verify said that it was whole, and no restore could use it
    file = function(one) one.files = { { name = "..", what = "domain", sha256 = SUM } } end,
  }

  it("that name a directory are not misled by files that are not backups'", function()
    write(1)
    local names = { "9.json", "20260101.json", id_of(1) .. "0.json", id_of(1) .. ".json.old", id_of(2) .. ".json.old", id_of(2) .. ".vda.img",
      "x.json" }
    for i, name in ipairs(names) do
      names[i] = ("%s/%s"):format(dir, name)
      local file <close> = assert(io.open(names[i], "w"))
      file:write("theirs")
    end
    local list = workflow.backups(dir)
    assert.same({ 1, {} }, { #list, list.problems })
    local done = workflow.prune(host, dir, { keep = { full = 1 } })
    table.sort(names)
    table.sort(done.foreign)
    assert.same({ pruned = {}, foreign = names }, done)
    for _, name in ipairs(names) do
      assert.is_truthy(core.identify(name), name)
      os.remove(name)
    end
  end)

  it("that name a directory find what is in it although a file of it is missing, or is none", function()
    local own = helper.scratch()
    local store = stores.at(own)
    local function command()
      return helper.run(("timeout 60 %s backups %s"):format(helper.interpreter, own))
    end
    write(1, function(one)
      one.checkpoint = "guestlua-0123abcd-" .. one.id
    end)
    assert(os.rename(("%s/%s.json"):format(dir, id_of(1)), ("%s/%s.json"):format(own, id_of(1))))
    local code, out, err = command()
    assert.same({ 0, id_of(1) }, { code, out:match("g  (%S+)") }, err)
    assert.same({ own }, { stores.below(own)[1].directory })
    -- the checkpoint that the guest has is that of this directory
    assert.equal("0123abcd", store:target())
    assert.equal("0123abcd\n", helper.sh("cat %s/target", own))
    helper.sh("cd %s && rm target && ln -s target target && mkfifo %s.json", own, id_of(2))
    assert.equal("invalid_backup", helper.failure(store.target, store).kind)
    code, out, err = command()
    assert.same({ 1, id_of(1) }, { code, out:match("g  (%S+)") }, err)
    assert.matches(id_of(2) .. ".json: it is no regular file", err, 1, true)
  end)

  it("that a guest's XML cannot have are refused before a disk is copied", function()
    write(1)
    for argument, options in pairs({ to = { to = dir .. "/\xff" }, disks = { disks = { vda = dir .. "/\xff" } } }) do
      options.from, options.name = dir, "other"
      refused("restore", argument, workflow.restore, host, options)
    end
  end)

  it("that name a directory not in UTF-8 have it in JSON", function()
    local own = helper.scratch() .. "/\xff"
    helper.sh("mkdir '%s'", own)
    write(1)
    assert(os.rename(("%s/%s.json"):format(dir, id_of(1)), ("%s/%s.json"):format(own, id_of(1))))
    local code, out, err = helper.guestlua("backups --json " .. helper.quoted(own))
    assert.equal(0, code, err)
    assert.is_truthy(utf8.len(out))
    local one = require("dkjson").decode(out)
    assert.same({ id_of(1), "\\xff", 1 << 20 }, { one.id, one.directory:match("[^/]*$"), one.disks[1].size })
  end)

  it("that are for guests with long names are in a directory of that name", function()
    local own = helper.scratch()
    for name, expected in pairs({ ["a é"] = "a%20%C3%A9", [".é/"] = "%2E%C3%A9%2F", [("é"):rep(42)] = ("%C3%A9"):rep(42),
      [("é"):rep(60) .. " /%"] = ("é"):rep(60) .. "%20%2F%25" }) do
      local directory = stores.of(own, name).directory
      assert.equal(own .. "/" .. expected, directory)
      core.make_directory(directory)
    end
  end)

  it("that wait for the directory wait no longer than the workflow's time", function()
    local store = stores.at(dir)
    local held <close> = store:lock() -- luacheck: ignore held
    local e = helper.failure(guestlua.timeout, 60, core.within, core.now() + 0.1, 0, store.lock, store, 3600)
    assert.equal("busy", e.kind, tostring(e))
  end)

  it("that prune leave the files of a backup that was removed, if nothing says any more which those were", function()
    write(1)
    local names = { id_of(2) .. ".gone", id_of(2) .. ".vda.qcow2" }
    for i, name in ipairs(names) do
      names[i] = ("%s/%s"):format(dir, name)
      core.write_file(names[i], "damaged")
    end
    for _ = 1, 2 do
      local done = workflow.prune(host, dir, { keep = { full = 1 } })
      table.sort(done.foreign)
      assert.same({ pruned = {}, foreign = names }, done)
    end
    assert(os.remove(names[1]) and os.remove(names[2]))
  end)

  it("that name no backup never get an older one instead of a damaged one", function()
    if not core.nbd_copy then
      return pending("this was built without libnbd")
    end
    write(1)
    for what, damage in pairs(DAMAGES) do
      write(2, damage)
      local list = workflow.backups(dir)
      assert.same({ 1, id_of(2) }, { #list, list.problems[1].id }, what)
      for _, at in ipairs({ false, id_of(2), "2026-01-02T00:00:00Z", "2026-01-03" }) do
        for _, e in ipairs({ helper.failure(workflow.verify, dir, { at = at or nil }),
          helper.failure(workflow.restore, host, { from = dir, at = at or nil }) }) do
          assert.equal("invalid_backup", e.kind, what)
          assert.matches(id_of(2) .. ".json", e.message, 1, true)
        end
      end
      -- asked for, the older one is looked at
      local older = helper.failure(workflow.verify, dir, { at = "2026-01-01T12:00:00Z" })
      assert.matches(("the backup %s needs %s/%s.vda.qcow2, which is not there"):format(id_of(1), dir, id_of(1)), tostring(older), 1, true)
      -- all means those, too
      local e = helper.failure(workflow.verify, dir, { all = true })
      assert.equal(2, #e.results)
      assert.same({ id_of(2), false, "invalid_backup" }, { e.results[2].id, e.results[2].ok, e.results[2].error.kind })
      assert.equal("invalid_backup", helper.failure(workflow.prune, host, dir, { keep = { full = 1 } }).kind)
    end
    local e = helper.failure(workflow.verify, dir, { at = "2025-01-01" })
    assert.equal("no_backup", e.kind)
    assert.matches("the oldest is " .. id_of(1), e.hint, 1, true)
  end)

  it("that name a time get the last backup by then", function()
    if not core.nbd_copy then
      return pending("this was built without libnbd")
    end
    write(1)
    write(2)
    for at, day in pairs({ ["2026-01-01"] = 1, ["2026-01-01T23:59"] = 1, ["2026-01-01T23:59:59Z"] = 1, ["2026-01-02"] = 2, ["2026-01-02T00:00Z"] = 2,
      ["2026-01-02T00:00:00"] = 2, ["2026-01-09"] = 2 }) do
      local e = helper.failure(workflow.verify, dir, { at = at })
      assert.matches(("the backup %s needs"):format(id_of(day)), tostring(e), 1, true)
    end
    assert.equal("no_backup", helper.failure(workflow.verify, dir, { at = "2025-12-31T23:59Z" }).kind)
  end)

  it("never put a disk into a file in /dev, if that has no such device", function()
    local xml = "<domain type='test'><name>g</name><uuid>11111111-2222-4333-8444-555555555555</uuid><memory>1024</memory>"
      .. "<os><type>hvm</type></os></domain>"
    local file, nowhere = require("guestlua.backup.store").at(dir):keep(id_of(3) .. ".xml", "domain", xml), "/dev/guestlua-none"
    write(3, function(one)
      one.files, one.disks[1].source, one.disks[1].source_format = { file }, nowhere, "raw"
    end)
    for _, ending in ipairs({ ".vda.qcow2", ".vda.sums" }) do
      assert(io.open(("%s/%s%s"):format(dir, id_of(3), ending), "w")):close()
    end
    for _, options in ipairs({ {}, { name = "other", disks = { vda = nowhere } }, { to = "/dev" } }) do
      options.from, options.at = dir, id_of(3)
      local e = helper.failure(workflow.restore, host, options)
      assert.same({ "bad_argument", "vda" }, { e.kind, e.device }, tostring(e))
      assert.matches("there is no device /dev/", e.message, 1, true)
      assert.matches("to=DIRECTORY", e.hint, 1, true)
    end
    assert.is_nil(core.identify(nowhere))
  end)
end)
