-- A guest was moved to another host while a script had it frozen or paused. The scope's end found no guest to thaw or resume, and said nothing: it
-- stayed frozen or paused on the other host. So it did if it was saved meanwhile and went on later.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local hosts = require("spec.support.hosts")

describe("A scope", function()
  helper.leaves_nothing()
  local two, on_both = hosts.of_specs(function(two)
    two:boot("moved", two.dir .. "/shared")
    guestlua.journal({ dir = two.dir .. "/journal" })
  end)

  -- The guest, on the host that has it.
  local function find()
    return two.a:guest("moved") or two.b:guest("moved")
  end

  local function on(guest)
    return guest.host == two.a and "a" or "b"
  end

  -- Somebody moves the guest, with libvirt alone.
  local function move(guest, ...)
    local to = ("qemu+tcp://%s/system"):format(two.address[on(guest) == "a" and "b" or "a"])
    guest:migrate(to, { flags = { "live", "peer2peer", "unsafe", ... } })
  end

  local function is_frozen(guest)
    return guest:agent_command('{"execute":"guest-fsfreeze-status"}'):find('"frozen"', 1, true) ~= nil
  end

  -- Runs fn(guest) in the scope: its error, which has to say so, and the guest where it is then.
  local function fails(scope, fn)
    local guest <close> = find()
    local e = helper.failure(function()
      local guard <close> = guest[scope](guest) -- luacheck: ignore guard
      fn(guest)
    end)
    assert.same({ "conflict", "moved" }, { e.kind, e.guest }, tostring(e))
    assert.same({}, require("guestlua.core").list_directory(two.dir .. "/journal"))
    return e
  end

  on_both("says that the guest was moved, and is frozen or paused there", function()
    local e = fails("frozen", function(guest)
      move(guest, "persist_dest", "undefine_source")
    end)
    assert.matches("was moved to another host, and is frozen there", e.message)
    local guest <close> = find()
    assert.is_true(is_frozen(guest))
    guest:thaw_filesystems()
    e = fails("paused", function()
      local to = on(guest) == "a" and "b" or "a"
      guestlua.workflow.live_migrate(guest, two[to], { unsafe = true, destination_uri = ("qemu+tcp://%s/system"):format(two.address[to]) })
        .arrived:close()
    end)
    assert.matches("was moved to another host, and is paused there", e.message)
    local again <close> = find()
    assert.equal("paused", (again:get_state()))
    again:resume()
  end)

  on_both("says so if the guest stayed defined here", function()
    for scope, ends in pairs({ paused = "resume", frozen = "thaw_filesystems" }) do
      local from
      local e = fails(scope, function(guest)
        from = on(guest)
        move(guest, "persist_dest")
      end)
      assert.matches("was moved to another host, and is " .. scope, e.message)
      assert.matches("guest:" .. ends .. "()", e.hint, 1, true)
      local old <close> = two[from]:guest("moved")
      old:delete_configuration()
      local guest <close> = find()
      guest[ends](guest)
    end
  end)

  on_both("says so if the guest's memory was saved", function()
    local e = fails("frozen", function(guest)
      guest.domain:managed_save()
    end)
    assert.matches("memory was saved, and it is frozen when it goes on", e.message)
    local guest <close> = find()
    guest:launch()
    helper.await(function()
      local ok, is = pcall(is_frozen, guest)
      return ok and is
    end, "it is not frozen")
    guest:thaw_filesystems()
  end)

  on_both("that was killed says so in its recovery", function()
    for scope, ends in pairs({ paused = "resume", frozen = "thaw_filesystems" }) do
      local guest <close> = find()
      local from = on(guest)
      local code, _, err = faults.run(([[
        require("guestlua.core").watchdog = error -- nobody recovers it first
        guestlua.journal{dir=%q}
        local host <close> = guestlua.open()
        local scope <close> = host:guest("moved"):%s()
        os.execute("kill -KILL $PPID")
      ]]):format(two.dir .. "/journal", scope), { uri = two[from].uri })
      assert.equal(128 + 9, code, err)
      move(guest, "persist_dest")
      assert.matches("was moved to another host, and is " .. scope .. " there, until guest:" .. ends, guestlua.recover(two[from])[1].outcome)
      guest:delete_configuration()
      local moved <close> = find()
      moved[ends](moved)
    end
  end)
end)
