//! The commented rig that `plugfest init` writes.

use protocol::Role;

/// A commented rig file for a device of this side; it reads without errors as it stands.
pub fn template(device: Role) -> String {
    let (link, drivers) = match device {
        Role::Csms => (CSMS_LINK, CSMS_DRIVERS),
        Role::Station => (STATION_LINK, STATION_DRIVERS),
    };
    format!("{HEAD}{link}{MIDDLE}{drivers}{TAIL}")
}

const HEAD: &str = r#"# The rig: the device under test with everything around it.
# ${NAME} is a value of the environment (an error if it is not set), ${NAME:-text} has a default.
# Check it with `plugfest check plugfest.yaml`, try it with `plugfest doctor`.

"#;

const CSMS_LINK: &str = r#"device: csms                        # the side under test: csms or station
ocpp: ["1.6"]                       # 1.6, 2.0.1, 2.1
url: ws://127.0.0.1:9000/ocpp       # the identity of a station is appended

# Identities of stations that the CSMS knows. More of them let more cases run side by side.
identities: { prefix: PLUGFEST-, count: 8 }

# HTTP Basic authentication; never write a password here.
# password: ${PLUGFEST_PASSWORD}
"#;

const STATION_LINK: &str = r#"device: station                     # the side under test: csms or station
ocpp: ["1.6"]                       # 1.6, 2.0.1, 2.1
listen: 127.0.0.1:9000              # where we wait for the station; 0.0.0.0:9000 for one across the network

# The identity the station comes with; without this line any is taken.
# identities: [CP-0001]

# HTTP Basic authentication; never write a password here.
# password: ${PLUGFEST_PASSWORD}
"#;

const MIDDLE: &str = r#"
# What is implemented. A list denies everything that it leaves out; a map (`Reservation: false`) says nothing
# about the rest; without this key everything is presumed, but for FixedCable and BackupPower.
# capabilities: [Core, RemoteTrigger, AuthorizationCache]

# How many connectors there are, or which of them may be used: [{ evse: 1, connector: 1 }]
connectors: 2

# Tokens by the names that cases use. The device must know them as their names say:
# invalid and unknown must be unknown to it. In 1.6 a token has at most 20 characters.
tags:
  valid:   { idToken: TAG-VALID, group: GROUP-1 }
  valid2:  { idToken: TAG-VALID-2, group: GROUP-1 }
  group:   { idToken: TAG-GROUP, group: GROUP-1 }
  other:   TAG-OTHER                # valid, of no group
  blocked: TAG-BLOCKED
  expired: TAG-EXPIRED
  invalid: TAG-INVALID
  unknown: TAG-UNKNOWN

# How long things may take. These are the defaults.
timeouts:
  reply: 30s                        # from a call to its answer
  step: 30s                         # until an expected message
  operator: 120s                    # for a person or a command
  reconnect: 120s
  reboot: 300s
  transfer: 300s                    # of a file
  clock: 4s                         # tolerance between clocks
  grace: 1s                         # how long optional messages are waited for

"#;

const CSMS_DRIVERS: &str = r#"# How the CSMS is made to act. `default` serves what has no line of its own. Names in capital letters come from the
# environment, others from the stimulus: ${station}, ${action}, ${payload} (a whole message), ${fields} (only what the
# case needs of it), ${token.idToken}, ${status}, ${value}.
drivers:
  default: prompt                   # ask a person; `none`: cannot be done, cases that need it do not apply
  # default: { plugfest: http://127.0.0.1:9100 }              # the control endpoint of `plugfest serve`
  # default: { tzi trigger: http://127.0.0.1:8080 }           # the trigger API of tzi-OCTT
  # send:
  #   http:
  #     method: POST
  #     url: http://127.0.0.1:8080/stations/${station}/call/${action}
  #     headers: { Authorization: "Bearer ${API_TOKEN}" }
  #     body: ${payload}
  #     expect: [200, 202]          # done; without this line every 2xx
  #   cannot carry: [Reset.type]    # left out, and then not judged
  # send Reset: none                # a line for one call
  # add token: { exec: [./add-token.sh, "${token.idToken}", "${status}"] }

# How the CSMS is started again.
# restart: { exec: [./restart.sh] }
"#;

const STATION_DRIVERS: &str = r#"# How the station is moved. `default` serves what has no line of its own. Names in capital letters come from the
# environment, others from the stimulus: ${station}, ${at.evse}, ${at.connector}, ${token.idToken}.
drivers:
  default: prompt                   # ask a person; `none`: cannot be done, cases that need it do not apply
  # default: { plugfest: http://127.0.0.1:9100 }              # the control endpoint of `plugfest serve`
  # default: { octt sut: http://127.0.0.1:8080/sut }          # the SUT API of the official tool
  # plug in:
  #   http:
  #     method: POST
  #     url: http://127.0.0.1:8080/plugin?evse_id=${at.evse}
  #     headers: { Authorization: "Bearer ${API_TOKEN}" }
  #     expect: [200]               # done; without this line every 2xx
  # present token: { exec: [./swipe.sh, "${token.idToken}"] } # exit code 0: done, 3: cannot be done
  # cut power: none

# How the station is started again.
# restart: { exec: [./power-cycle.sh] }
"#;

const TAIL: &str = r#"
# Values that single cases ask for.
# values:
#   cpo: Example Charging
#   vendor_id: com.example
"#;
