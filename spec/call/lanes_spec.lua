-- Which calls of a connection are under way at once, and what becomes of those that wait for them. libvirt's own test driver, of which some calls
-- take long.

local faults = require("spec.support.faults")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local GUESTS = [[
  local host = guestlua.open("test:///default")
  local guests = {}
  for i = 1, 5 do
    guests[i] = host:write_instance_config(
      ("<domain type='test'><name>guest%d</name><memory>1024</memory><os><type>hvm</type></os></domain>"):format(i))
    guests[i]:launch()
  end
]]

-- Waits until the child has made the call so often.
local function await_calls(child, name, times)
  local deadline = guestlua.now() + 60
  while not child:has_called(name, times) do
    assert(guestlua.now() < deadline, name .. " was not called")
    guestlua.sleep(0.01)
  end
end

describe("Calls of one connection", function()
  helper.leaves_nothing()

  it("all begin that may, when the one that they waited for is over", function()
    local child <close> = faults.start(GUESTS .. [[
      for i = 1, 3 do
        guestlua.spawn(guests[i].managed_save, guests[i]) -- two of these are under way at once
      end
      guestlua.sleep(0)
      for i = 1, 2 do
        guestlua.spawn(guests[i].set_memory, guests[i], 1024) -- wait for those, and one of those ends
      end
      guestlua.sleep(600)
    ]], { fault = { "virDomainManagedSave#1:hang=1", "virDomainManagedSave#2+:hang=600" } })
    await_calls(child, "virDomainManagedSave", 3)
    await_calls(child, "virDomainSetMemoryFlags")
  end)

  it("are not made if nobody waits for them any more when their turn comes", function()
    local code, out, err, calls = faults.run(GUESTS .. [[
      local guest = guests[1]
      local function report(ok, e)
        print(ok, e.kind, e.still_running, e.may_change, e.message)
      end
      local saving = guestlua.spawn(guest.managed_save, guest)
      local cancelled = guestlua.spawn(guest.managed_save, guest)
      local dropped = coroutine.create(function()
        guest:set_memory(1025)
      end)
      local drops = guestlua.spawn(function()
        coroutine.resume(dropped)
      end)
      guestlua.sleep(0)
      report(pcall(guest.set_vcpus, guest, 1, { timeout = 0.01 }))
      cancelled:cancel()
      report(pcall(cancelled.wait, cancelled))
      assert(guestlua.alive().ops == 2)
      drops:cancel()
      pcall(drops.wait, drops)
      assert(guestlua.alive().ops == 1)
      saving:wait()
      guest:launch()
    ]], { fault = "virDomainManagedSave#1:hang=2" })
    assert.same({ 0, "false\ttimeout\tfalse\tnil\tno answer within 0.01 s; the call had not begun\n" ..
      "false\tcancelled\tfalse\tnil\tcancelled; the call had not begun\n", "" }, { code, out, err })
    local made = {}
    for i = #calls, 1, -1 do
      table.insert(made, 1, calls[i].name)
      if calls[i].name == "virDomainManagedSave" then
        break
      end
    end
    assert.same({ "virDomainManagedSave", "virDomainCreateWithFlags" }, made)
  end)

  it("stay in memory until libvirt has answered, although nobody waits for them any more", function()
    local code, out, err = faults.run(GUESTS .. [[
      local function save(guest)
        guest:managed_save({ timeout = 0.01 })
      end
      assert(not pcall(save, guests[1]))
      assert(not coroutine.resume(coroutine.create(save), guests[2])) -- it dies of the error, and is collected
      for _ = 1, 3 do
        collectgarbage()
      end
      assert(guestlua.alive().ops == 2)
      for _ = 1, 100 do
        guests[3]:is_active({ timeout = 60 }) -- takes what memory is free
      end
      while guestlua.alive().ops > 0 do
        guestlua.sleep(0.01)
      end
      for i = 1, 2 do
        collectgarbage()
        guests[i]:launch()
      end
    ]], { fault = "virDomainManagedSave#1+:hang=2" })
    assert.same({ 0, "", "" }, { code, out, err })
  end)

  it("come in the order in which they were made, for one guest, whoever makes them", function()
    local code, out, err, calls = faults.run(GUESTS .. [[
      guestlua.map(guests, function(guest)
        local tasks = {}
        for i = 1, 10 do
          local name = i % 2 == 1 and "pause" or "resume"
          tasks[i] = guestlua.spawn(guest[name], guest)
        end
        for _, task in ipairs(tasks) do
          task:wait()
        end
      end)
    ]])
    assert.same({ 0, "", "" }, { code, out, err })
    local made = {}
    for _, call in ipairs(calls) do
      if call.name == "virDomainSuspend" or call.name == "virDomainResume" then
        made[call.guest] = (made[call.guest] or "") .. call.name:sub(10, 10)
      end
    end
    assert.same({ guest1 = "SRSRSRSRSR", guest2 = "SRSRSRSRSR", guest3 = "SRSRSRSRSR", guest4 = "SRSRSRSRSR", guest5 = "SRSRSRSRSR" }, made)
  end)
end)
