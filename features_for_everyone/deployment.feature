@cluster
Feature: The application on a cluster
  As an operator
  I want one installation that leaves everything running, wired and reachable
  so that people can use the application minutes later.

  @US2.1 @FR-002 @FR-006 @SC-001 @SC-002
  Scenario: One installation, and everything is well
    When the application is installed by its chart
    Then everything was ready within 10 minutes of the start
    And every pod is Running and Ready
    And no container has been restarted
    And every container runs the image that was built from the sources
    And all that runs beside it belongs to the one release

  @US2.1 @SC-002
  Scenario: What is well stays well
    Given the application is installed by its chart
    When every container has been asked often enough whether it lives
    Then none of them was found dead
    And no container has been restarted
    And every pod is Running and Ready

  @FR-007
  Scenario Outline: <role> is offered by a Service of type <type>
    Given the application is installed by its chart
    Then the Service of the <role> is of type <type>
    And it leads to every pod of the <role>

    Examples: each role
      | role | type |

  @US2.2 @FR-007
  Scenario Outline: <role> is open to the outside
    Given the application is installed by its chart
    Then the <role> answers from outside the cluster

    Examples: each role with an open port
      | role |

  @FR-007 @with-a-node-port
  Scenario: Its port is one that a cluster gives by default
    Given the application is installed by its chart
    Then its port lies between 30000 and 32767

  @FR-007
  Scenario: Nothing else is open to the outside
    Given the application is installed by its chart
    Then no other Service is open to the outside

  @FR-003
  Scenario Outline: <role> is found by its name
    Given the application is installed by its chart
    And a place inside the cluster to look from
    Then the short name of the <role> leads to its Service
    And the full name of the <role> leads to its Service
    But a name that nobody has leads nowhere

    Examples: each role
      | role |

  @FR-003 @EC-2
  Scenario Outline: <role> answers when it is called by its name
    Given the application is installed by its chart
    And a place inside the cluster to look from
    Then the <role> answers at its name
    But nobody answers at a port that the <role> does not offer

    Examples: each role
      | role |

  @FR-004 @with-a-database-outside
  Scenario: The database answers from inside the cluster, over an encrypted connection
    Given the application is installed by its chart
    And a place inside the cluster to look from
    Then the database answers there, encrypted
    But it refuses a wrong password
    And a database that does not exist is not found

  @FR-004 @with-a-database-inside
  Scenario: The application has its own database in the cluster
    Given the application is installed by its chart
    Then its database is a part of the installation, and ready
    And no port of it is open to the outside

  @FR-004 @with-encryption-required
  Scenario: The database answers nobody who does not encrypt
    Given the application is installed by its chart
    And a place inside the cluster to look from
    Then it refuses a connection that is not encrypted

  @FR-005 @with-database
  Scenario: Secrets reach the pods as secrets only
    Given the application is installed by its chart
    Then no secret can be read in what the cluster knows of the application, Secrets apart
    And no pod has written a secret to its log
    And the database's address reaches only the parts that use the database
