-- Ansible with the collection of packaging/ansible, for specs.
--
--   local ansible = require("spec.support.ansible").new()
--   ansible.missing                  why there is none, or nil
--   ansible.directory                an empty one, removed in the end, with all that Ansible keeps
--   ansible.prefix                   may be set: what runs the commands, as spec/support/ssh-hosts does
--   ansible:run(command, settings)   its exit code, output and errors; settings: more of its environment
--   ansible:spawn(command, settings) the same as a task, for what happens meanwhile
--   ansible:json(command, settings)  its output, decoded, and its errors; and the output with the marks of what is no template, which
--                                    newer versions give to each text
--   ansible:file(name, text)         a file in that directory; gives its path

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local json = require("dkjson")

local Ansible = {}
Ansible.__index = Ansible

local function whole(self, command, settings)
  return ("%s env PYTHONDONTWRITEBYTECODE=1 ANSIBLE_COLLECTIONS_PATH=%s ANSIBLE_HOME=%s/home ANSIBLE_LOCAL_TEMP=%s/tmp %s %s"):format(
    self.prefix or "", self.directory, self.directory, self.directory, settings or "", command)
end

function Ansible:run(command, settings)
  return helper.run(whole(self, command, settings))
end

function Ansible:spawn(command, settings)
  return guestlua.spawn(guestlua.run, "sh", { args = { "-c", "exec " .. whole(self, command, settings) }, timeout = 600 })
end

local function unmarked(value)
  if type(value) ~= "table" then
    return value
  elseif value.__ansible_unsafe ~= nil then
    return value.__ansible_unsafe
  end
  local plain = {}
  for key, member in pairs(value) do
    plain[key] = unmarked(member)
  end
  return plain
end

function Ansible:json(command, settings)
  local code, out, err = self:run(command, settings)
  assert(code == 0, err)
  local decoded = assert(json.decode(out))
  return unmarked(decoded), err, decoded
end

function Ansible:file(name, text)
  local path = self.directory .. "/" .. name
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

local ansible = {}

-- The interpreter's path, as any working directory has it.
function ansible.interpreter()
  return helper.interpreter:find("^/") and helper.interpreter or os.getenv("PWD") .. "/" .. helper.interpreter
end

function ansible.new()
  local self = setmetatable({ directory = helper.scratch() }, Ansible)
  if not os.execute("command -v ansible >/dev/null") then
    self.missing = "no ansible: install the package ansible-core"
  end
  assert(os.execute(("mkdir %s/ansible_collections && ln -s $PWD/packaging/ansible/guestlua %s/ansible_collections/guestlua"):format(self.directory,
    self.directory)))
  return self
end

return ansible
