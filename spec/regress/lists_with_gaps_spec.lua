-- Lists that were read with # or ipairs, which see only a part of a table with a gap, and nothing of one with names.
--
--   guest:exec("rm", { args = { "-i", nil, "/x" } }) ran `rm -i`; args = { file = "/x" } ran it without arguments.
--   live_migrate(guest, { migrate_disks = { vdb = true }, block = true }): as if none were listed, so all were copied.
--   guest:exec(…, { secret = { nil, "hunter2" } }): the secret was not masked.
--   guestlua.fleet(setmetatable({}, { __len = …, __index = … })): went on for ever.

local define = require("guestlua.base.define")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local BAD = { { [1] = "vda", [3] = "vdb" }, { [2] = "vda" }, { [0] = "vda" }, { disk = "vda" }, { "vda", vdb = true }, { [1.5] = "vda" }, 5, print }
local BAD_STRINGS = { { 1 }, { "vda", false }, { {} }, { "a\0b" }, table.unpack(BAD) }

-- The arguments of the row's function, with `value` for that parameter.
local function arguments(row, param, value, values)
  local list, options = { row.method and values[row.owner] or nil }, {}
  for _, other in ipairs(row.params) do
    local given = other == param and value or other.required and values[other.type] or nil
    if other.positional then
      list[#list + 1] = given
    else
      options[other.name] = given
    end
  end
  list[#list + 1] = next(options) and options or nil
  return list
end

describe("A list", function()
  helper.leaves_nothing()

  it("is refused if it has gaps or names, by each function that is written in Lua and takes one", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = host:guest("test")
    local values = { Guest = guest, Host = host, string = "vda", ["function"] = print, any = "<disk/>" }
    local seen = 0
    define.load_all()
    for _, row in ipairs(define.rows) do
      for _, param in ipairs(row.run and (not row.method or values[row.owner]) and row.params or {}) do
        local kind = param.type:match("list of %l+")
        for _, list in ipairs(kind == "list of strings" and BAD_STRINGS or kind and BAD or {}) do
          local class = row.owner == "guestlua" and guestlua or guestlua[row.owner]
          local e = helper.failure(class[row.name], table.unpack(arguments(row, param, list, values)))
          assert.equal("bad_argument", e.kind, row.name)
          assert.equal(param.name, e.argument:match("^[%w_]+"), row.name)
          seen = seen + 1
        end
      end
    end
    assert.is_true(seen > 150, seen)
  end)

  it("is what is in it, and not what a metatable says", function()
    local endless = setmetatable({}, { __len = function() return math.maxinteger end, __index = function() return "x" end,
      __pairs = error, __ipairs = error })
    assert.same({}, guestlua.map(endless, print))
    local fleet <close> = guestlua.fleet(endless)
    assert.same({}, fleet:guests())
  end)
end)
