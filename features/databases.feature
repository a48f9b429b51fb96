@cluster @disruptive
Feature: Databases of every kind
  As an operator
  I want the application to work with whatever PostgreSQL there is
  so that I can move from a test to a cloud, and change nothing but an address.

  @FR-004 @EC-5 @extended
  Scenario: A pooler shares few connections among many, and cuts them
    Given the application is installed by its chart
    And a second installation, on a new database behind a pooler
    Then 4 people at once sign up, keep todos and sign in there, without an error
    And all of it has gone through the pooler
    When the pooler cuts every connection
    Then the next request of each of them is answered
    When the server behind the pooler sleeps, and is started after 3 seconds
    Then whoever asks meanwhile is answered or refused with a reason, within 15 seconds
    And within 30 seconds everything is answered again, without a restart

  @EC-5
  Scenario: Connections that are cut while nobody uses them are made anew
    Given the application is installed by its chart
    And an account with a todo
    When the database cuts every connection
    Then the next request is answered with the todo
    And the next person can sign up at once

  @EC-5
  Scenario: Who comes while the database wakes up has to wait, and no more
    Given the application is installed by its chart
    And an account with a todo
    When the database sleeps, and holds who connects for 2 seconds
    Then the next request is answered with the todo
    And the next person can sign up at once
    And no pod has been started again for it

  @FR-004 @extended
  Scenario: A database in the cluster keeps what it has, and goes with the rest
    Given the application is installed by its chart
    And the cluster without a second installation
    When a second one is installed with its database in the cluster
    Then somebody can sign up there and keep a todo
    When the pod of the database there is killed
    Then another pod of the database is ready within 60 seconds
    And the todo there is still to be had
    When it is upgraded in a way that replaces the pod of the database
    Then the todo there is still to be had
    When the second one is uninstalled
    Then nothing of it is left in the cluster, of whatever kind
    And the first installation runs on untouched
