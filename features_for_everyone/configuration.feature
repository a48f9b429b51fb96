@static
Feature: Chart, images and code fit together
  As an operator
  I want to be told what does not fit before anything is built or started
  so that a mistake costs seconds, and says where it is.

  Background:
    Given the project as it lies in its folder

  @US3.1 @FR-006 @FR-009 @SC-004
  Scenario: The chart can be installed under any name
    Then it can be installed under any name, anywhere, and in every described variant
    And each of its objects has a name that is allowed
    And two installations side by side keep apart
    And the same values always give the same installation

  @FR-002 @FR-006
  Scenario: What one part of the chart names, another part has
    Then every object is one that Kubernetes understands
    And everything that an object refers to is there
    And every container runs an image of the project, in the version that was asked for

  @FR-005
  Scenario: Settings have the same names in chart and code
    Then every setting that the chart gives is read by the program that gets it
    And every setting that a program needs is given to it

  @FR-003 @EC-2
  Scenario: Addresses lead to somebody
    Then every program can be reached from outside its container
    And no program calls an address that is written down in its code
    And every address inside the cluster leads to a Service of the same installation

  @US2.1 @SC-002 @EC-4
  Scenario: The health of every program is watched
    Then every program is asked whether it lives and whether it is ready
    And it is asked at an address that it answers
    And nothing is killed while it starts or because of one slow answer

  @EC-5 @with-database
  Scenario: Nobody dies of a database that is away, or claims that it is well
    Then a database that is away restarts nothing
    And no program claims that its database is well without asking it

  @EC-3
  Scenario: Containers take no more than they may
    Then every container is limited in what it takes
    And every container can write where it has to

  @FR-006 @EC-4
  Scenario: Pods can be replaced while people use the application
    Then every workload finds its own pods, and no others
    And pods are replaced when a setting of theirs has changed

  @FR-007 @EC-2
  Scenario: Services lead where they should
    Then every Service leads to the pods of one workload, at a port that they have
    And each role has one Service of its type, and nothing else is open to the outside

  @US2.2
  Scenario: An entrance for all keeps the paths of requests
    Then whatever stands before the Services hands on each path as it came

  @FR-005
  Scenario: No secret is written down
    Then no password or key is written down in chart or code

  @FR-005
  Scenario: Secrets stay secret
    Then no secret is in anything that the chart makes, Secrets apart
    And each part of a Secret is used by somebody
    And no program has a secret of its own to fall back on

  @FR-005
  Scenario: What is missing is said when the chart is installed
    Then without any one of its secrets the chart is refused, in words that name it

  @FR-004 @with-database
  Scenario: There is one database, and it is made ready
    Then no program falls back to another database
    And whatever has to run before a program does run before it

  @FR-001 @FR-009 @EC-1
  Scenario: The images can be built from what is there
    Then everything that a Dockerfile copies is there
    And packages are installed as a lock file says
    And every base image has a version

  @FR-010
  Scenario: The images are made for production
    Then no image runs as root
    And each image starts its program itself, and as described
    And nothing private can get into an image

  @FR-005
  Scenario: What runs in a browser can be configured after it was built
    Then the frontend is built to run by itself
    And none of its settings is fixed by the build
    And none of its routes is fixed by the build

  @US3.1 @SC-004
  Scenario: Nothing stays when the chart is uninstalled
    Then no object of the chart outlives its release

  @FR-006
  Scenario: Every parameter of the chart does something
    Then each value is used by a template
    And each value of this deployment shows in what is installed

  @FR-008
  Scenario: It can be operated in plain language
    Then commands in plain language are shown

  @SC-005
  Scenario: Several things can be asked for in plain language
    Then at least 3 of them ask for different things
