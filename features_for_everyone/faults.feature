@cluster @disruptive
Feature: What fails is named, and passes
  As an operator
  I want failures to be named, survived and over when their cause is gone
  so that nobody has to search at night, and nothing is lost.

  @EC-2
  Scenario: A name that no Service has is called that
    Given the application is installed by its chart
    And a place inside the cluster to look from
    When "nobody-has-this-name" is called at port 8000
    Then the call fails at the name, because no Service has it
    And the message names the Services that there are

  @EC-2
  Scenario Outline: A Service of <role> that selects pods that do not exist is named
    Given the application is installed by its chart
    And a place inside the cluster to look from
    When the Service of the <role> selects pods that do not exist
    Then a call of it fails at the connection, because nobody is behind it
    When that is put right
    Then the <role> answers at its name

    Examples: each role
      | role |

  @EC-2
  Scenario Outline: A Service of <role> that leads to a port where nobody listens is named
    Given the application is installed by its chart
    And a place inside the cluster to look from
    When the Service of the <role> leads to a port where nobody listens
    Then a call of it fails at the connection, because nobody listens there
    When that is put right
    Then the <role> answers at its name

    Examples: each role
      | role |

  @EC-4
  Scenario Outline: What dies of <role> comes back, and the reason is told
    Given the application is installed by its chart
    When the process of the <role> is killed
    Then it is ready again within 30 seconds
    And the restart is reported with its reason and the last words before it
    When the pod of the <role> is deleted
    Then another is ready within 30 seconds

    Examples: each role
      | role |

  @EC-4
  Scenario Outline: With two of each, requests go on while one of <role> dies
    Given the application is installed by its chart
    And 2 pods of each role
    When requests from outside go on
    And the process of the <role> is killed
    Then it is ready again within 30 seconds
    When the pod of the <role> is deleted
    Then another is ready within 30 seconds
    And there were never more than 5 seconds without an answer

    Examples: each role that is public
      | role |

  @EC-5 @with-a-database-outside
  Scenario Outline: While the database <fails>, what uses it waits
    Given the application is installed by its chart
    And a place inside the cluster to look from
    When the database <fails>
    Then whatever uses the database is not ready, without being started again
    And they are alive, so that nobody starts them again later
    When the database answers again
    Then whatever uses the database is ready by itself within 60 seconds

    Examples: of a database that is away
      | fails                         |
      | is stopped                    |
      | falls silent                  |
      | has no connection left        |

  @EC-5 @with-encryption-required
  Scenario: While the database refuses encryption, what uses it waits
    Given the application is installed by its chart
    And a place inside the cluster to look from
    When the database refuses encrypted connections
    Then whatever uses the database is not ready, without being started again
    And they are alive, so that nobody starts them again later
    When the database answers again
    Then whatever uses the database is ready by itself within 60 seconds

  @EC-5 @with-a-database-outside
  Scenario: The database is restarted, and nobody has to do anything
    Given the application is installed by its chart
    When the database is restarted
    Then whatever uses the database is ready by itself within 60 seconds
