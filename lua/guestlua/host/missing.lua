-- The error of a look-up that has to find something.

local core = require("guestlua.core")
local spelling = require("guestlua.base.spelling")
local try = require("guestlua.base.try")

-- Raises: there is none of that name. all(): those there are, of which one may be meant.
return function(fields, what, name, all, hint)
  local names, ok, objects = {}, try(all)
  for i, object in ipairs(ok and objects or {}) do
    names[i] = what == "secret" and object.uuid or object.name -- which a secret does not have
    object:close()
  end
  local near = spelling.nearest(name, names, true)
  fields.message = ("there is no %s '%s'%s"):format(what, name, near and ("; is '%s' meant?"):format(near) or "")
  fields.hint = hint
  error(core.Error.new(fields), 0)
end
