-- Every function and method with every kind of bad input. The list of members is the one that the manual is made of, so what is new is tried as well.
-- Each case has to raise a guestlua.Error that names the method or the argument; what may answer instead is listed here, with the reason.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local inputs = require("spec.support.inputs")
local shared = require("spec.support.objects")
local undo = require("guestlua.base.undo")

local ERROR = debug.getregistry()["guestlua.Error"]

local VALID, WRONG, SPECIAL, EMPTY, BINARY = inputs.VALID, inputs.WRONG, inputs.SPECIAL, inputs.EMPTY, inputs.BINARY
local INNER, GONE, NOT_HERE = inputs.INNER, inputs.GONE, inputs.NOT_HERE

-- ---- the members ----

local members, seen = {}, {}

local function add(owner, class, row, method)
  local key = owner .. "." .. row.name
  if not seen[key] and not shared.elsewhere[owner] then -- no object of those is here
    seen[key] = true
    members[#members + 1] = { key = key, owner = owner, name = row.name, fn = class[row.name], params = row.params or {}, method = method }
  end
end

define.load_all()
local class_named = { guestlua = guestlua }
for class, name in pairs(define.classes) do
  if type(class) == "table" then
    class_named[name] = class
  end
end
for _, row in ipairs(define.rows) do
  if row.run then -- the others only document what is written in C
    add(row.owner, class_named[row.owner] or guestlua[row.owner], row, row.method)
  end
end
for _, row in ipairs(core.documentation().functions) do
  add("guestlua", core, row, false)
end
for _, class in ipairs(core.documentation().classes) do
  for _, row in ipairs(class.methods) do
    add(class.name, core[class.name], row, true)
  end
end

local function close(object)
  local guard <close> = object
end

describe("Bad input", function()
  local host, objects, kept
  lazy_setup(function()
    kept = guestlua.open("test:///default") -- the driver has its guest and all else as long as somebody is connected, and makes it anew in 20 ms
  end)
  lazy_teardown(function()
    kept:close()
  end)
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    local guest = host:guest("test")
    objects = shared.make(host)
    for class, object in pairs({
      Group = guestlua.group(),
      Guard = undo.guard(),
      Progress = guestlua.progress("x"),
      Signal = guestlua.signal(),
      Subscription = guest:subscribe("lifecycle"),
      Element = guestlua.element("<a><b/></a>"),
      Task = guestlua.spawn(function() end),
    }) do
      objects[class] = object
    end
    objects.Task:wait()
  end, function()
    local guest <close> = host:guest("test", { required = true })
    assert.equal("running", (guest:get_state()))
    host:close()
    objects = nil
  end)

  local function valid(member, param)
    local special = SPECIAL[member.key .. "." .. param.name]
    local value = special and special[1]
    if value == nil then
      value = VALID[param.type]
    end
    return value == "HOST" and host or value == "CHILD" and guestlua.element("c", {})
      or value == "VOLUME" and objects.StorageVol or value
  end

  -- Arguments that fit: all that are required, with `values` in place of some of them, by name. self is the first unless it is a function.
  local function arguments(member, values)
    local list = table.pack(member.method and objects[member.owner] or nil)
    list.n = member.method and 1 or 0
    local options
    for _, param in ipairs(member.params) do
      local value = values[param.name]
      if value == nil and param.required then
        value = valid(member, param)
      end
      if param.positional then
        list.n = list.n + 1
        list[list.n] = value
      elseif value ~= nil then
        options = options or {}
        options[param.name] = value
      end
    end
    if options or values.options then
      list.n = list.n + 1
      list[list.n] = options or values.options
    end
    return list
  end

  -- Adds to `problems` where the call does not raise an Error of the kind that names one of `names`.
  local function try(problems, member, what, kind, names, list)
    local ok, e = pcall(member.fn, table.unpack(list, 1, list.n))
    local text = tostring(e)
    local named = text:find("not XML: line ", 1, true) ~= nil -- which argument is XML is plain
    for _, name in ipairs(names) do
      named = named or text:find(name, 1, true) ~= nil
    end
    if ok or getmetatable(e) ~= ERROR or kind and e.kind ~= kind or not e.kind or not named then
      problems[#problems + 1] = ("%s: %s"):format(what, ok and "was taken" or text)
    end
  end

  local function show(value)
    return type(value) == "table" and "a table with " .. tostring(next(value)) or type(value) == "string" and ("%q"):format(value) or tostring(value)
  end

  local function has_options(member)
    local last = member.params[#member.params]
    return last and not last.positional
  end

  for _, member in ipairs(members) do
    it("does not get past " .. member.key, function()
      local problems = {}
      local function refuse(what, list, argument) -- by whomever
        try(problems, member, what, nil, { argument, member.name, INNER[member.key] }, list)
      end
      local function reject(what, list, argument) -- before libvirt is asked
        try(problems, member, what, "bad_argument", { member.name, argument }, list)
      end

      if member.method then
        local selfs = { n = 5, nil, 1, "x", {}, io.stdout }
        for class, object in pairs(objects) do
          if class ~= member.owner and not (class == "Guest" and member.owner == "Domain") then -- a Guest has its methods
            selfs.n = selfs.n + 1
            selfs[selfs.n] = object
          end
        end
        for i = 1, selfs.n do
          local list = arguments(member, {})
          list[1] = selfs[i]
          reject("self is " .. show(selfs[i]), list, "self")
        end
        reject("no self", { n = 0 }, "self")
      end

      for _, param in ipairs(member.params) do
        local key = member.key .. "." .. param.name
        local special = SPECIAL[key] or {}
        local wrong = table.move(special[2] or {}, 1, #(special[2] or {}), 1, {})
        table.move(WRONG[param.type] or {}, 1, #(WRONG[param.type] or {}), #wrong + 1, wrong)
        for _, value in ipairs(wrong) do
          local values = { [param.name] = value }
          refuse(("%s is %s"):format(param.name, show(value)), arguments(member, values), param.name)
          for _, other in ipairs(member.params) do
            if not other.positional and other.type == "boolean" and other ~= param then
              values[other.name] = true
            end
          end
          refuse(("%s is %s, all options are true"):format(param.name, show(value)), arguments(member, values), param.name)
        end
        if param.type == "string" or param.type == "Element or XML text" then
          if not BINARY[key] then
            reject(param.name .. " has a NUL byte in it", arguments(member, { [param.name] = "a\0b" }), param.name)
          end
          local list = arguments(member, { [param.name] = "" })
          if EMPTY[key] or shared.generated[member.key] then -- of those that are generated libvirt is the judge
            local ok, e = pcall(member.fn, table.unpack(list, 1, list.n))
            assert.is_true(ok or getmetatable(e) == ERROR, tostring(e))
          elseif not (param.type == "Element or XML text" and not param.positional) then -- an option that is empty is as one that is not there
            refuse(param.name .. " is empty", list, param.name)
          end
        end
        if param.type == "Element or XML text" then
          for _, xml in ipairs({ "<broken", "text", "<a></b>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>" }) do
            refuse(param.name .. " is " .. xml, arguments(member, { [param.name] = xml }), param.name)
          end
        end
        if param.required then
          local list, at = arguments(member, {}), member.method and 1 or 0
          for i, other in ipairs(member.params) do
            at = other == param and at + i or at
          end
          list[at] = nil
          reject("no " .. param.name, list, param.name)
          list.n = at - 1
          reject("nothing from " .. param.name .. " on", list, param.name)
        end
      end

      if has_options(member) then
        for _, options in ipairs({ { nonesuch = true }, { 1 }, { [true] = 1 }, { [print] = 1 } }) do
          reject("options are " .. show(options), arguments(member, { options = options }), "options")
        end
        for _, options in ipairs({ 1, "x", true, print }) do
          reject("options are " .. show(options), arguments(member, { options = options }), "options")
        end
      end
      local last = member.params[#member.params]
      if not (last and last.name == "...") then
        local list = arguments(member, has_options(member) and { options = {} } or {})
        list[list.n + 1] = true
        for _ = 1, 2 do
          list.n = list.n + 1
          reject("more arguments than there are", list)
        end
      end
      assert.same({}, problems)
    end)
  end

  it("is every object that is closed", function()
    local problems = {}
    for _, class in ipairs(core.documentation().classes) do
      for _, field in ipairs(class.fields) do
        members[#members + 1] = {
          key = class.name .. "." .. field.name, owner = class.name, name = field.name, params = {}, method = true, field = true,
          fn = function(self) return self[field.name] end,
        }
      end
    end
    -- A Task is no such object: what it stands for goes on without it.
    for _, how in ipairs({ close, function(object)
      if object == objects.BlockDevice then
        objects.Guest:close()
      end
    end, function() host:close() end }) do
      for _, class in ipairs({ "Host", "Guest", "BlockDevice", "Subscription", "Element", "Group", "Signal" }) do
        host = guestlua.open("test:///default")
        local guest = host:guest("test")
        objects = { Host = host, Guest = guest, BlockDevice = guest:get_block_device("vda"), Subscription = guest:subscribe("lifecycle"),
          Element = guestlua.element("a", {}), Group = guestlua.group(), Signal = guestlua.signal() }
        how(objects[class])
        local closed = core.Error.is(select(2, pcall(function() return objects[class].name end)), "closed")
        for _, member in ipairs(members) do
          if member.method and member.owner == class and member.name ~= "close" and (how == close or closed) then
            try(problems, member, member.key .. " of a closed " .. class, "closed", { member.name }, arguments(member, {}))
          end
        end
        assert.is_true(pcall(tostring, objects[class]))
        close(objects[class])
        host:close()
      end
    end
    host = guestlua.open("test:///default")
    assert.same({}, problems)
  end)

  it("is every guest that is gone", function()
    local guest = guestlua.Guest.create(inputs.DOMAIN:format("gone"), host)
    guest:launch()
    guest:delete_configuration()
    guest:poweroff()
    objects.Guest, objects.BlockDevice = guest, guest:get_block_device("vda")
    local problems = {}
    for _, member in ipairs(members) do
      local values = {}
      for _, param in ipairs(member.params) do
        values[param.name] = param.positional and valid(member, param) or nil
      end
      local list = arguments(member, values)
      if (member.owner == "Guest" or member.owner == "BlockDevice") and member.method and not member.field then
        if GONE[member.key] then
          local ok, e = pcall(member.fn, table.unpack(list, 1, list.n))
          assert.is_true(ok, tostring(e))
        elseif not NOT_HERE[member.key] then
          try(problems, member, member.key, nil, { "gone" }, list)
        end
      end
    end
    assert.equal(36, #guest.uuid)
    guest:close()
    assert.same({}, problems)
  end)

  it("is no number that is written as a float and whole, in Lua's functions as in C's", function()
    local guest = host:guest("test")
    for _, call in ipairs({
      function(n) guest:set_memory(n, { config = true }) end,
      function(n) guestlua.map({ 1 }, function() end, { limit = n }) end,
    }) do
      assert.is_true(pcall(call, 2.0 ^ 20))
      assert.matches("has no integer value", helper.failure(call, 2.5).message)
      assert.matches("cannot be negative", helper.failure(call, -1.0).message)
    end
    local options = { limit = 4.0 }
    guestlua.map({ 1 }, function() end, options)
    assert.equal("float", math.type(options.limit)) -- the caller's table stays as it is
  end)
end)
